/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diagram/diagram.h - a hash-consed interval decision diagram: functions from a few numbers (fields) to a leaf, as structure and algebra.
 * It knows no policies and no packets; what a field or a leaf means is its user's. After the multi-valued and interval decision
 * diagrams of Strehl and Thiele (1998), and Bryant's unique table and memoised apply (1986).
 *
 * A function is named by a reference. Within one diagram two functions are equal exactly where their references are: a node holds
 * sorted edges that cover its field from 0 to its maximum, neighbours with one child are one edge, and a node of one edge is that child.
 * References stay what they are until fw_diagram_release or fw_diagram_compact. The same calls give the same references.
 *
 * Results: 0; -ENOMEM, no memory or past the byte budget; -E2BIG, past the bound on edges, or more than FW_DIAGRAM_WORK steps for each
 * edge of that bound. A call that failed has changed nothing: earlier references are good, and what it had made is gone. */
#ifndef FW_DIAGRAM_DIAGRAM_H
#define FW_DIAGRAM_DIAGRAM_H

#include "base/arena.h"
#include "net/iset.h"

#define FW_DIAGRAM_FIELDS_MAX 1024
#define FW_DIAGRAM_WORK 16 /* steps of one operation for each edge of the bound */

#define FW_DIAGRAM_LEAF_BIT 0x80000000u
#define FW_DIAGRAM_NONE 0x7fffffffu                                     /* the leaf value "undecided"; others are below it */
#define FW_DIAGRAM_NONE_REF (FW_DIAGRAM_LEAF_BIT | FW_DIAGRAM_NONE) /* the function that decides nowhere */
#define FW_DIAGRAM_DECIDED FW_DIAGRAM_LEAF_BIT                          /* in a short-cut: every leaf value but NONE */

struct fw_diagram;

struct fw_diagram_field { /* its place in the list is its level: level 0 is asked first */
	const char *name; /* kept by the caller as long as the diagram */
	struct fw_u128 max;
};

struct fw_diagram_limits {
	size_t edges; /* in all nodes that are stored, those that nobody names any more included */
	size_t bytes; /* heap memory of all kinds */
};

struct fw_diagram_counts {
	size_t nodes, edges, bytes;
};

/* A new diagram over 1 to FW_DIAGRAM_FIELDS_MAX fields; NULL when there is no memory or the budget is too small for its beginnings. */
struct fw_diagram *fw_diagram_new(const struct fw_diagram_field *fields, size_t count, struct fw_diagram_limits limits);
void fw_diagram_free(struct fw_diagram *d);   /* NULL is fine */
void fw_diagram_freep(struct fw_diagram **d); /* for FW_CLEANUP */
/* What is stored now, and the bytes that it takes. */
struct fw_diagram_counts fw_diagram_counts(const struct fw_diagram *d);

/* From now on at most so many edges are stored (those that are there stay); SIZE_MAX: as many as at the beginning. */
void fw_diagram_limit_edges(struct fw_diagram *d, size_t edges);

/* References. */
static inline uint32_t fw_diagram_leaf(uint32_t value) /* the function that is `value` everywhere */
{
	return FW_DIAGRAM_LEAF_BIT | value;
}

static inline bool fw_diagram_is_leaf(uint32_t ref)
{
	return ref & FW_DIAGRAM_LEAF_BIT;
}

static inline uint32_t fw_diagram_value(uint32_t leaf)
{
	return leaf & ~FW_DIAGRAM_LEAF_BIT;
}

/* True once an allocation failed because of the byte budget (and not for want of memory). */
bool fw_diagram_over_budget(const struct fw_diagram *d);
struct fw_u128 fw_diagram_field_max(const struct fw_diagram *d, uint32_t level);

/* A node, seen edge by edge, lowest first. `ref` is no leaf. */
uint32_t fw_diagram_level(const struct fw_diagram *d, uint32_t ref);
size_t fw_diagram_edge_count(const struct fw_diagram *d, uint32_t ref);
struct fw_range fw_diagram_edge(const struct fw_diagram *d, uint32_t ref, size_t index, uint32_t *ret_child);

/* Building. */
struct fw_diagram_side {
	uint32_t level;
	struct fw_iset set; /* within 0..max of the field */
};
/* `inside` where every side's field is in its set, undecided elsewhere. Sides are sorted by level, one for each level at most; `inside` is
 * a leaf or a function of later levels only. */
int fw_diagram_box(struct fw_diagram *d, const struct fw_diagram_side *sides, size_t count, uint32_t inside, uint32_t *ret_ref);
/* `a` where it decides, else `b`. */
int fw_diagram_over(struct fw_diagram *d, uint32_t a, uint32_t b, uint32_t *ret_ref);
/* The first of `refs` that decides; by halves, so that n functions cost about log n merges of the whole. What lies between is given
 * back on the way. Changes no reference. */
int fw_diagram_over_all(struct fw_diagram *d, const uint32_t *refs, size_t count, uint32_t *ret_ref);
/* As many of the first of `refs` as the limits bear: *ret_taken says how many (the greatest number only where the size grows with it).
 * 0, or -ENOMEM or -E2BIG where not even the first fits. */
int fw_diagram_over_most(struct fw_diagram *d, const uint32_t *refs, size_t count, uint32_t *ret_ref, size_t *ret_taken);

/* Combining: any function of two leaf values, carried over to two diagrams. */
enum fw_diagram_operand { FW_DIAGRAM_A, FW_DIAGRAM_B };
enum fw_diagram_gives { FW_DIAGRAM_GIVES_A, FW_DIAGRAM_GIVES_B, FW_DIAGRAM_GIVES_NONE };
enum fw_diagram_equal { /* what equal operands give */
	FW_DIAGRAM_EQUAL_ASKS,  /* whatever `decide` says of each leaf */
	FW_DIAGRAM_EQUAL_SAME,  /* themselves */
	FW_DIAGRAM_EQUAL_NONE,
};
struct fw_diagram_short { /* where `operand` is the leaf `value` (or FW_DIAGRAM_DECIDED), the result is known as a whole */
	enum fw_diagram_operand operand;
	uint32_t value;
	enum fw_diagram_gives gives;
};
struct fw_diagram_op {
	/* The leaf value for a pair of them: asked at most once a call for each pair, in a fixed order, so that it may number the pairs.
	 * Not 0: the call fails with that. NULL where short-cuts cover every pair. It must not use the diagram. */
	int (*decide)(void *context, uint32_t a, uint32_t b, uint32_t *ret_value);
	void *context;
	enum fw_diagram_equal equal;
	const struct fw_diagram_short *shorts; /* tried in order; they must agree with `decide` */
	size_t short_count;
	/* Does the leaf value `a` stay whatever b is? May be NULL; must agree with `decide`. */
	bool (*keeps)(void *context, uint32_t a);
};
int fw_diagram_combine(struct fw_diagram *d, uint32_t a, uint32_t b, const struct fw_diagram_op *op, uint32_t *ret_ref);
/* All of `refs` (at least one) combined in their order, by halves as in fw_diagram_over_all: `op` must be associative; NULL: over. */
int fw_diagram_combine_all(struct fw_diagram *d, const uint32_t *refs, size_t count, const struct fw_diagram_op *op, uint32_t *ret_ref);
/* `a` where `mask` decides, else undecided; and the other way round. */
int fw_diagram_restrict(struct fw_diagram *d, uint32_t a, uint32_t mask, uint32_t *ret_ref);
int fw_diagram_without(struct fw_diagram *d, uint32_t a, uint32_t mask, uint32_t *ret_ref);
struct fw_diagram_pairs { /* numbers pairs of leaf values, as `decide` above */
	int (*number)(void *context, uint32_t a, uint32_t b, uint32_t *ret_value);
	void *context;
};
/* Undecided where the two agree, the number of (value of a, value of b) where they do not. */
int fw_diagram_differ(struct fw_diagram *d, uint32_t a, uint32_t b, const struct fw_diagram_pairs *pairs, uint32_t *ret_ref);
/* Every leaf value replaced by fn(value), NONE too. */
int fw_diagram_map(struct fw_diagram *d, uint32_t ref, uint32_t (*fn)(void *context, uint32_t value), void *context, uint32_t *ret_ref);

/* Asking. */
/* The leaf value at a point; `values` has one number for each field. O(levels * log edges). */
uint32_t fw_diagram_eval(const struct fw_diagram *d, uint32_t ref, const struct fw_u128 *values);
/* Nodes and edges under `ref` (bytes: those of their records). */
int fw_diagram_size(struct fw_diagram *d, uint32_t ref, struct fw_diagram_counts *ret_counts);

struct fw_diagram_leaves {
	const uint32_t *values; /* ascending, so FW_DIAGRAM_NONE is the last */
	size_t len;
};
/* The leaf values that some point has; the list is in `arena`. */
int fw_diagram_leaves(struct fw_diagram *d, uint32_t ref, struct fw_arena *arena, struct fw_diagram_leaves *ret_leaves);

struct fw_diagram_want { /* the leaves that are looked for */
	bool (*wanted)(void *context, uint32_t value);
	void *context;
};
/* Wants one value, which the caller keeps alive. */
struct fw_diagram_want fw_diagram_want_value(uint32_t *value);
/* A point with a wanted leaf: in each field nice[level] where it leads to one, else the lowest number that does (`nice`, within
 * 0..max of each field, may be NULL: 0). Linear in the diagram's size. -ENOENT: there is none. */
int fw_diagram_witness(struct fw_diagram *d, uint32_t ref, const struct fw_diagram_want *want, const struct fw_u128 *nice,
		       struct fw_u128 *ret_values);

struct fw_diagram_walker {
	/* One box of points that have the leaf `value`: sets[level] for every field (0..max where it does not matter). The sets are
	 * the walk's own and end with the call. Not 0 stops the walk. It must not use the diagram's changing calls. */
	int (*region)(void *context, const struct fw_iset *sets, uint32_t value);
	void *context;
};
/* Every point with a wanted leaf in exactly one box, in ascending order of the first point; edges of a node to one child make one set.
 * 0; -E2BIG: there are more than `limit` (which were shown); -ENOMEM; or what `region` stopped with. */
int fw_diagram_regions(struct fw_diagram *d, uint32_t ref, const struct fw_diagram_want *want, size_t limit,
		       const struct fw_diagram_walker *walker);

/* Memory. */
/* Gives back memo tables and scratch memory. No reference changes. */
void fw_diagram_forget(struct fw_diagram *d);
/* Names what is stored now. References made before the mark survive a release to it as they are. */
uint32_t fw_diagram_mark(const struct fw_diagram *d);
/* Of the nodes made since `mark`, keeps those that `roots` reach, and rewrites `roots`; other references made since are void. */
int fw_diagram_release(struct fw_diagram *d, uint32_t mark, uint32_t *roots, size_t count);
/* Keeps what `roots` reach, rewrites them, and gives back the memory of the rest: every other reference is void. */
int fw_diagram_compact(struct fw_diagram *d, uint32_t *roots, size_t count);

#endif
