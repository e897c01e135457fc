/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cli/top_screen.c - the screen of `fwctl top`: ncurses, keys, the events of a line, banning. Everything that comes from outside was cleaned of control characters. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <ncurses.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "cli/top.h"

#define EVERY_US 1000000
#define WIDEST 512
#define EVENTS_ASKED "/v1/events?last=1000"

enum view { VIEW_TABLE, VIEW_EVENTS, VIEW_HELP };
enum colours { COLOUR_ALLOW = 1, COLOUR_DENY, COLOUR_REJECT, COLOUR_PLACE, COLOUR_BAD };

struct screen {
	struct fw_top *top;
	enum view view;
	char selected[FW_LINE_KEY_MAX]; /* key of the chosen row: it stays chosen where it moves to */
	size_t at, first;               /* the chosen row, the first one on the screen */
	char message[160];              /* at the bottom, until the next key */
	bool types_filter, ended;
	struct fw_vec events;           /* char *: lines of VIEW_EVENTS */
	bool asks;                      /* to ban `source` */
	char source[64];
};

/* --- drawing --- */

static int colour_of(enum fw_verdict verdict)
{
	return verdict == FW_ALLOW ? COLOUR_ALLOW : verdict == FW_DENY ? COLOUR_DENY : COLOUR_REJECT;
}

/* The character at the beginning of a text, '?' for what is none that can be shown; its bytes. */
static size_t next_character(const char *text, wchar_t *ret_wide)
{
	mbstate_t state = { 0 };
	const size_t len = mbrtowc(ret_wide, text, MB_LEN_MAX, &state);
	const bool is_one = len > 0 && len <= MB_LEN_MAX;

	if (!is_one || wcwidth(*ret_wide) < 0)
		*ret_wide = L'?';
	return is_one ? len : 1;
}

/* Cut by columns of the terminal, which are neither bytes nor characters; an ellipsis says so. */
static void put(int y, int x, int width, const char *text)
{
	const int room = width < COLS - x ? width : COLS - x;
	wchar_t wide[WIDEST];
	int count = 0, used = 0;

	while (*text && count < WIDEST) {
		text += next_character(text, &wide[count]);
		used += wcwidth(wide[count]);
		if (used > room)
			break;
		count++;
	}
	if (used > room && count > 0)
		wide[count - 1] = L'\u2026';
	if (count > 0)
		mvaddnwstr(y, x, wide, count);
}

/* The end is what tells: of "conf.d/customers.conf:1234", its number. */
static void put_place(int y, int x, int width, const char *text)
{
	wchar_t wide;
	int columns = 0;

	for (const char *at = text; *at; columns += wcwidth(wide))
		at += next_character(at, &wide);
	if (columns <= width) {
		put(y, x, width, text);
		return;
	}
	for (; columns > width - 1; columns -= wcwidth(wide))
		text += next_character(text, &wide);
	put(y, x, 1, "\u2026");
	put(y, x + 1, width - 1, text);
}

/* ASCII. */
static void put_right(int y, int x, int width, const char *text)
{
	const int len = (int)strlen(text);

	put(y, x + (len < width ? width - len : 0), width, text);
}

/* Nine columns are there for a rate and eleven for a count: what is longer is told in millions or thousands of millions. */
static void format_rate(double rate, char ret_text[32])
{
	if (rate < 1e6)
		snprintf(ret_text, 32, "%.1f", rate);
	else
		snprintf(ret_text, 32, "%.2fM", rate / 1e6);
}

static void format_count(uint64_t count, char ret_text[32])
{
	if (count < 100000000000)
		snprintf(ret_text, 32, "%" PRIu64, count);
	else
		snprintf(ret_text, 32, "%.2fG", (double)count / 1e9);
}

/* Columns that a narrow terminal has no room for are left out, the least needed first. */
struct layout {
	int rate, spark, packets, last, source, place, text; /* where each begins; -1: left out */
	int spark_width, place_width;
};

static struct layout lay_out(void)
{
	struct layout l = { .rate = 0, .spark = -1, .packets = 10, .last = -1, .source = -1 };
	int x = 22;

	l.spark_width = COLS >= 140 ? FW_TOP_READINGS : FW_TOP_READINGS / 2;
	l.place_width = COLS >= 120 ? 24 : 16;
	if (COLS >= 70) {
		l.last = x;
		x += 7;
	}
	if (COLS >= 80) {
		l.spark = x;
		x += l.spark_width + 1;
	}
	if (COLS >= 100) {
		l.source = x;
		x += COLS >= 160 ? 40 : 17; /* an IPv6 address, or one of IPv4 */
	}
	l.place = x;
	l.text = x + l.place_width + 1;
	return l;
}

static void draw_name(int x, int width, const char *name, bool sorted, bool right)
{
	char text[32];

	snprintf(text, sizeof(text), "%s%s", name, sorted ? "*" : "");
	attron(sorted ? A_BOLD : A_DIM);
	if (right)
		put_right(2, x, width, text);
	else
		put(2, x, width, text);
	attroff(A_BOLD | A_DIM);
}

static void draw_names(const struct screen *s, const struct layout *l)
{
	const enum fw_top_sort sort = s->top->sort;

	draw_name(l->rate, 9, "rate/s", sort == FW_TOP_BY_RATE, true);
	draw_name(l->packets, 11, "packets", sort == FW_TOP_BY_PACKETS, true);
	if (l->last >= 0)
		draw_name(l->last, 6, "last", sort == FW_TOP_BY_LAST, true);
	if (l->spark >= 0)
		draw_name(l->spark, l->spark_width, COLS >= 140 ? "the last 30 s" : "the last 15 s", false, false);
	if (l->source >= 0)
		draw_name(l->source, 16, "top source", false, false);
	draw_name(l->place, l->place_width, "where", sort == FW_TOP_BY_ORDER, false);
	draw_name(l->text, 8, "line", false, false);
}

static void draw_row(const struct screen *s, const struct layout *l, int y, const struct fw_top_row *row)
{
	char number[32], spark[FW_TOP_SPARK_BYTES];

	format_rate(fw_top_rate(s->top, row), number);
	put_right(y, l->rate, 9, number);
	format_count(row->packets, number);
	put_right(y, l->packets, 11, number);
	fw_format_ago(row->last_hit, time(NULL), number);
	if (l->last >= 0)
		put_right(y, l->last, 6, number);
	if (l->spark >= 0) {
		fw_top_spark(s->top, row, (unsigned int)l->spark_width, spark);
		put(y, l->spark, l->spark_width, spark);
	}
	if (l->source >= 0)
		put(y, l->source, l->place - l->source - 1, row->source);
	attron(COLOR_PAIR(COLOUR_PLACE));
	put_place(y, l->place, l->place_width, row->place);
	attroff(COLOR_PAIR(COLOUR_PLACE));
	attron(COLOR_PAIR(colour_of(row->verdict)));
	put(y, l->text, COLS - l->text, row->text);
	attroff(COLOR_PAIR(colour_of(row->verdict)));
}

static void draw_table(struct screen *s)
{
	const struct layout l = lay_out();
	const size_t room = LINES > 5 ? (size_t)LINES - 5 : 1;

	draw_names(s, &l);
	if (s->at < s->first)
		s->first = s->at;
	if (s->at >= s->first + room)
		s->first = s->at - room + 1;
	for (size_t i = 0; i < room && s->first + i < s->top->shown.len; i++) {
		const bool chosen = s->first + i == s->at;
		if (chosen)
			attron(A_REVERSE);
		move(3 + (int)i, 0);
		if (chosen)
			hline(' ', COLS);
		draw_row(s, &l, 3 + (int)i, *(struct fw_top_row **)fw_vec_at(&s->top->shown, s->first + i));
		attroff(A_REVERSE);
	}
}

static void draw_help(void)
{
	static const char *const lines[] = {
		"r  by rate          p  by packets       l  by last hit      n  in the order of the policy",
		"up, down, page up, page down, home, end   choose a line",
		"enter, e            events of the line, of late",
		"b                   ban the line's top source (asks first)",
		"/                   show only lines with a word; esc shows all",
		"q                   end",
	};

	for (size_t i = 0; i < FW_ARRAY_SIZE(lines); i++)
		put(3 + (int)i, 2, COLS - 2, lines[i]);
}

static void draw_events(const struct screen *s)
{
	const size_t room = LINES > 5 ? (size_t)LINES - 5 : 1;
	const size_t first = s->events.len > room ? s->events.len - room : 0;

	const struct fw_top_row *row = fw_map_get(&s->top->rows, fw_str_from(s->selected));
	char title[sizeof(row->place) + sizeof(row->text) + 2];

	snprintf(title, sizeof(title), "%s  %s", row ? row->place : "", row ? row->text : "");
	attron(COLOR_PAIR(COLOUR_PLACE));
	put(2, 0, COLS, title);
	attroff(COLOR_PAIR(COLOUR_PLACE));
	if (s->events.len == 0)
		put(3, 2, COLS - 2, s->top->daemon ? "no events of this line are known: it has no `log`, or nothing matched" : "only fwctld knows events");
	for (size_t i = first; i < s->events.len; i++)
		put(3 + (int)(i - first), 0, COLS, *(char **)fw_vec_at(&s->events, i));
}

static void draw_head(const struct screen *s)
{
	char text[256], when[32];

	fw_format_time_local(time(NULL), when);
	snprintf(text, sizeof(text), "fwctl top  %s  %zu lines%s%s", when, s->top->shown.len, s->top->filter[0] ? " with " : "", s->top->filter);
	attron(A_BOLD);
	put(0, 0, COLS, text);
	attroff(A_BOLD);
	if (s->top->error[0] || !s->top->daemon) {
		attron(COLOR_PAIR(COLOUR_BAD) | A_BOLD);
		put(1, 0, COLS, s->top->error[0] ? s->top->error : "fwctld is not running: counters of the kernel only, no sources, no events");
		attroff(COLOR_PAIR(COLOUR_BAD) | A_BOLD);
	}
}

static void draw_foot(const struct screen *s)
{
	char text[256];

	if (s->asks)
		snprintf(text, sizeof(text), "ban %s? y/n", s->source);
	else if (s->types_filter)
		snprintf(text, sizeof(text), "/%s_", s->top->filter);
	else if (s->message[0])
		snprintf(text, sizeof(text), "%s", s->message);
	else
		snprintf(text, sizeof(text), "%s", s->view == VIEW_TABLE ? "q end  r p l n sort  enter events  b ban  / filter  ? help" : "esc back");
	attron(s->message[0] || s->asks ? A_BOLD : A_DIM);
	put(LINES - 1, 0, COLS, text);
	attroff(A_BOLD | A_DIM);
}

static void draw(struct screen *s)
{
	erase();
	draw_head(s);
	switch (s->view) {
	case VIEW_TABLE:
		draw_table(s);
		break;
	case VIEW_EVENTS:
		draw_events(s);
		break;
	case VIEW_HELP:
		draw_help();
		break;
	}
	draw_foot(s);
	refresh();
}

/* --- what is chosen --- */

static struct fw_top_row *chosen(const struct screen *s)
{
	return s->at < s->top->shown.len ? *(struct fw_top_row **)fw_vec_at(&s->top->shown, s->at) : NULL;
}

static void choose(struct screen *s, size_t at)
{
	const size_t last = s->top->shown.len > 0 ? s->top->shown.len - 1 : 0;

	s->at = at < last ? at : last;
	const struct fw_top_row *row = chosen(s);
	snprintf(s->selected, sizeof(s->selected), "%s", row ? row->key : "");
}

/* After rows moved. Who has not chosen stays at the top. */
static void follow(struct screen *s)
{
	if (s->at == 0 && s->first == 0)
		s->selected[0] = '\0';
	for (size_t i = 0; s->selected[0] && i < s->top->shown.len; i++)
		if (strcmp((*(struct fw_top_row **)fw_vec_at(&s->top->shown, i))->key, s->selected) == 0) {
			s->at = i;
			return;
		}
	choose(s, s->at);
}

/* --- events of a line --- */

static void forget_events(struct screen *s)
{
	for (size_t i = 0; i < s->events.len; i++)
		free(*(char **)fw_vec_at(&s->events, i));
	s->events.len = 0;
}

static void add_event(struct screen *s, const json_t *event)
{
	struct fw_buf text FW_CLEANUP(fw_buf_done) = { .max = 65536 };
	char when[FW_TOLD_CLOCK_BYTES], **item;
	int error = 0;

	fw_told_clock(event, when);
	fw_buf_printf(&text, "%s  %-6s %-8s %-5s ", when, fw_told_text(event, "verdict"), fw_told_text(event, "interface"), fw_told_text(event, "protocol"));
	fw_told_ends(event, &text);
	fw_buf_printf(&text, "  %s", fw_told_text(event, "log"));
	char *line = fw_buf_take(&text, &error);
	item = line ? fw_vec_push(&s->events) : NULL;
	if (!item) {
		free(line);
		return;
	}
	fw_str_hide_controls(line);
	*item = line;
}

static void read_events(struct screen *s)
{
	struct fw_client client FW_CLEANUP(fw_client_done) = FW_CLIENT_NONE;
	json_t *answer = NULL;
	const json_t *event;
	int status = 0;
	size_t i;

	forget_events(s);
	if (fw_client_begin(s->top->cli, EVENTS_ASKED, 2000, &client) < 0 || fw_client_json(&client, &answer, &status) < 0)
		return;
	json_array_foreach(json_object_get(answer, "events"), i, event)
		if (strcmp(fw_told_text(event, "id"), s->selected) == 0)
			add_event(s, event);
	json_decref(answer);
}

/* --- banning --- */

static void ask_ban(struct screen *s)
{
	const struct fw_top_row *row = chosen(s);

	if (!row || !row->source[0]) {
		snprintf(s->message, sizeof(s->message), "no source of this line is known");
		return;
	}
	snprintf(s->source, sizeof(s->source), "%s", row->source);
	s->asks = true;
}

static void ban(struct screen *s)
{
	struct fw_session *session FW_CLEANUP(fw_session_freep) = fw_session_new(FW_CLI_BUDGET, time(NULL));
	const struct fw_ban wanted = { .address = s->source };
	const char *group = NULL;
	uint64_t timeout_s = 0;
	if (!session)
		return;

	enum fw_outcome outcome = fw_session_attach(session, s->top->cli->netns);
	if (outcome == FW_OUTCOME_DONE)
		outcome = fw_engine_ban(session, &wanted, &group, &timeout_s);
	if (outcome == FW_OUTCOME_DONE)
		snprintf(s->message, sizeof(s->message), "banned %s in '%s'", s->source, group);
	else
		snprintf(s->message, sizeof(s->message), "not banned: %.140s", session->message);
	fw_str_hide_controls(s->message);
}

/* --- keys --- */

static void sort_by(struct screen *s, enum fw_top_sort sort)
{
	s->top->sort = sort;
	fw_top_arrange(s->top);
	s->first = 0;
	choose(s, 0);
}

static void type_filter(struct screen *s, int key)
{
	char *filter = s->top->filter;
	const size_t len = strlen(filter);

	if (key == '\n' || key == KEY_ENTER || key == 27) {
		s->types_filter = false;
		if (key == 27)
			filter[0] = '\0';
	} else if ((key == KEY_BACKSPACE || key == 127 || key == 8) && len > 0) {
		filter[len - 1] = '\0';
	} else if (key >= ' ' && key < 127 && len + 1 < sizeof(s->top->filter)) {
		filter[len] = (char)key;
		filter[len + 1] = '\0';
	}
	fw_top_arrange(s->top);
	choose(s, 0);
}

static bool move_key(struct screen *s, int key)
{
	const size_t page = LINES > 6 ? (size_t)LINES - 6 : 1;

	if (key == KEY_UP)
		choose(s, s->at > 0 ? s->at - 1 : 0);
	else if (key == KEY_DOWN)
		choose(s, s->at + 1);
	else if (key == KEY_PPAGE)
		choose(s, s->at > page ? s->at - page : 0);
	else if (key == KEY_NPAGE)
		choose(s, s->at + page);
	else if (key == KEY_HOME)
		choose(s, 0);
	else if (key == KEY_END)
		choose(s, SIZE_MAX);
	else
		return false;
	return true;
}

static void table_key(struct screen *s, int key)
{
	static const struct {
		int key;
		enum fw_top_sort sort;
	} sorts[] = { { 'r', FW_TOP_BY_RATE }, { 'p', FW_TOP_BY_PACKETS }, { 'l', FW_TOP_BY_LAST }, { 'n', FW_TOP_BY_ORDER } };

	for (size_t i = 0; i < FW_ARRAY_SIZE(sorts); i++)
		if (sorts[i].key == key)
			sort_by(s, sorts[i].sort);
	if (move_key(s, key))
		return;
	if (key == 'e' || key == '\n' || key == KEY_ENTER) {
		choose(s, s->at);
		s->view = VIEW_EVENTS;
		read_events(s);
	} else if (key == 'b') {
		ask_ban(s);
	} else if (key == '/') {
		s->types_filter = true;
	} else if (key == '?') {
		s->view = VIEW_HELP;
	} else if (key == 27) {
		s->top->filter[0] = '\0';
		fw_top_arrange(s->top);
	}
}

static void take_key(struct screen *s, int key)
{
	s->message[0] = '\0';
	if (s->asks) {
		s->asks = false;
		if (key == 'y')
			ban(s);
	} else if (s->types_filter) {
		type_filter(s, key);
	} else if (key == 'q') {
		s->ended = true;
	} else if (s->view != VIEW_TABLE) {
		s->view = key == 27 || key == '\n' || key == KEY_ENTER || key == 'e' || key == '?' ? VIEW_TABLE : s->view;
	} else {
		table_key(s, key);
	}
}

/* --- the loop --- */

static int64_t monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void begin_screen(const struct screen *s)
{
	initscr();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	if (!s->top->cli->colour_out || !has_colors())
		return;
	start_color();
	use_default_colors();
	init_pair(COLOUR_ALLOW, COLOR_GREEN, -1);
	init_pair(COLOUR_DENY, COLOR_RED, -1);
	init_pair(COLOUR_REJECT, COLOR_YELLOW, -1);
	init_pair(COLOUR_PLACE, COLOR_CYAN, -1);
	init_pair(COLOUR_BAD, COLOR_RED, -1);
}

static void read_again(struct screen *s)
{
	fw_top_read(s->top);
	follow(s);
	if (s->view == VIEW_EVENTS)
		read_events(s);
}

enum fw_outcome fw_top_screen(struct fw_top *top)
{
	struct screen s = { .top = top };
	int64_t due = 0;

	fw_vec_init(&s.events, NULL, sizeof(char *));
	begin_screen(&s);
	while (!s.ended) {
		if (monotonic_us() >= due) {
			due = monotonic_us() + EVERY_US;
			read_again(&s);
		}
		draw(&s);
		const int64_t left = due - monotonic_us();
		timeout(left > 0 ? (int)(left / 1000) + 1 : 0);
		const int key = getch();
		if (key != ERR && key != KEY_RESIZE)
			take_key(&s, key == '\r' ? '\n' : key);
		s.ended = s.ended || (key == ERR && !isatty(STDIN_FILENO));
	}
	endwin();
	forget_events(&s);
	fw_vec_done(&s.events);
	return FW_OUTCOME_DONE;
}
