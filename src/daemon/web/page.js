"use strict";
// The page of fwctld: reads /v1/ and shows it. Everything that comes from there is text, never markup.

const LINES_EVERY = 2000, HISTORY_EVERY = 30000, ROWS = 200, READINGS = 30;
const state = { lines: [], past: new Map(), sort: "rate", down: true, filter: "", since: 86400, chosen: null, seen: 0, lost: false };
const $ = (id) => document.getElementById(id);

async function ask(target) {
	const answer = await fetch(target, { cache: "no-store" });
	const body = await answer.json();
	if (!answer.ok)
		throw new Error(body.error ? body.error.message : "HTTP " + answer.status);
	return body;
}

// --- words ---

function bytes(n) {
	const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
	let unit = 0;
	while (n >= 1024 && unit + 1 < units.length) {
		n /= 1024;
		unit++;
	}
	return (unit ? n.toFixed(1) : n) + " " + units[unit];
}

function ago(time) {
	if (!time)
		return "\u2013";
	const s = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1000));
	return s < 60 ? s + " s" : s < 3600 ? Math.floor(s / 60) + " min" : s < 86400 ? Math.floor(s / 3600) + " h" : Math.floor(s / 86400) + " d";
}

const count = (n) => n.toLocaleString("en");
const place = (line) => line.file ? line.file + ":" + line.line : line.direction;
const words = (line) => line.text || (line.by === "default" ? "default " + line.direction + " " + line.verdict : "built-in " + line.name);
const end = (address, port) => address === null ? "?" : port === null ? address : address.includes(":") ? "[" + address + "]:" + port : address + ":" + port;

function element(name, text, className) {
	const made = document.createElement(name);
	if (text !== undefined)
		made.textContent = text;
	if (className)
		made.className = className;
	return made;
}

function svg(name, attributes) {
	const made = document.createElementNS("http://www.w3.org/2000/svg", name);
	for (const [key, value] of Object.entries(attributes))
		made.setAttribute(key, value);
	return made;
}

function row(...cells) {
	const made = element("tr");
	made.append(...cells);
	return made;
}

function fill(table, rows, columns, nothing) {
	const body = $(table).tBodies[0];
	if (rows.length === 0) {
		const cell = element("td", nothing, "quiet");
		cell.colSpan = columns;
		rows = [row(cell)];
	}
	body.replaceChildren(...rows);
}

// --- lines ---

function remember(lines) {
	const now = new Map();
	for (const line of lines) {
		const before = state.past.get(line.id);
		const packets = line.packets + line.over_limit_packets;
		const rates = before ? before.rates : [];
		if (before)
			rates.push(Math.max(0, packets - before.packets));
		if (rates.length > READINGS)
			rates.shift();
		now.set(line.id, { packets, rates });
	}
	state.past = now;
	state.lines = lines.map((line, order) => ({ ...line, order }));
}

const keys = {
	rate: (line) => line.rate,
	packets: (line) => line.packets,
	last: (line) => line.last_hit ? Date.parse(line.last_hit) : 0,
	place: (line) => -line.order,
};

function arranged() {
	const key = keys[state.sort], word = state.filter.toLowerCase();
	const found = state.lines.filter((line) => !word || (words(line) + " " + place(line) + " " + (line.label || "") + " " + (line.top_source || "")).toLowerCase().includes(word));
	found.sort((a, b) => (key(b) - key(a) || b.packets - a.packets || a.order - b.order) * (state.down ? 1 : -1));
	return found;
}

function spark(line) {
	const { rates } = state.past.get(line.id), most = Math.max(1, ...rates);
	const drawing = svg("svg", { class: "spark", viewBox: "0 0 90 18", "aria-hidden": "true" });
	rates.forEach((rate, i) => {
		const height = rate ? Math.max(1, rate / most * 17) : 0;
		if (height)
			drawing.append(svg("rect", { x: (READINGS - rates.length + i) * 3, y: 18 - height, width: 2, height }));
	});
	return drawing;
}

function lineRow(line) {
	const choose = element("button", place(line)), cell = element("td"), drawn = element("td");
	choose.type = "button";
	choose.dataset.id = line.id;
	choose.setAttribute("aria-pressed", String(state.chosen === line.id));
	choose.setAttribute("aria-label", place(line) + " " + words(line) + ": its past and sources");
	cell.append(choose);
	drawn.append(spark(line));
	const made = row(element("td", line.rate ? line.rate.toFixed(line.rate < 10 ? 1 : 0) : "\u2013", "n"), element("td", count(line.packets), "n"), drawn,
		element("td", ago(line.last_hit), "n"), cell, element("td", words(line), line.verdict === "allow" ? "good" : line.verdict === "deny" ? "bad" : "warn"));
	if (state.chosen === line.id)
		made.className = "chosen";
	return made;
}

function showLines() {
	const found = arranged(), shown = found.slice(0, ROWS), focused = document.activeElement && document.activeElement.dataset.id;
	fill("lines", shown.map(lineRow), 6, state.lines.length ? "no line has that" : "no policy runs");
	$("shown").textContent = found.length > ROWS ? "the first " + ROWS + " of " + count(found.length) : count(found.length) + (found.length === 1 ? " line" : " lines");
	for (const button of document.querySelectorAll("[data-sort]"))
		button.parentElement.setAttribute("aria-sort", button.dataset.sort !== state.sort ? "none" : state.down ? "descending" : "ascending");
	if (focused) // the row was made anew: the focus stays
		for (const button of document.querySelectorAll("[data-id]"))
			if (button.dataset.id === focused)
				button.focus({ preventScroll: true });
}

// --- head ---

function showStatus(status) {
	$("policy").textContent = status.active ? (status.policy || "(policy not known)") + ", generation " + status.generation : "nothing runs: every packet passes";
	$("sync").textContent = status.in_sync ? "in sync" : "NOT in sync: " + (status.drift || "");
	$("sync").className = status.in_sync ? "good" : "bad";
	const daemon = status.daemon, lost = daemon.events_lost ? ", " + count(daemon.events_lost) + " lost" : "";
	const trouble = daemon.history.error ? " \u2013 the history: " + daemon.history.error : "";
	$("daemon").textContent = "fwctld " + daemon.version + ", events " + count(daemon.events) + lost + ", history " + bytes(daemon.history.bytes) + trouble;
	$("daemon").className = lost || trouble ? "warn" : "quiet";
}

function showDrops(events) {
	const denied = events.filter((event) => event.verdict !== "allow").slice(-12).reverse();
	fill("drops", denied.map((event) => row(element("td", new Date(event.time).toLocaleTimeString([], { hour12: false })), element("td", end(event.source, event.source_port)),
		element("td", (event.protocol || "") + " " + end(event.destination, event.destination_port)),
		element("td", (event.file ? event.file + ":" + event.line : event.by + " " + event.direction) + (event.label ? " " + event.label : "")))), 4, "nothing was reported as denied");
}

function say(lost) {
	$("updated").textContent = lost ? "connection lost" : "live";
	$("updated").className = lost ? "lost" : "";
	state.lost = lost;
}

// --- the past ---

function showChart(answer) {
	const width = { minute: 60, hour: 3600, day: 86400 }[answer.resolution] * 1000;
	const to = Date.parse(answer.until) + width, from = Math.floor(Date.parse(answer.since) / width) * width;
	const most = Math.max(1, ...answer.times.map((t) => t.packets)), total = answer.times.reduce((sum, t) => sum + t.packets, 0);
	const bars = answer.times.map((t) => {
		const height = Math.max(1, t.packets / most * 170);
		const bar = svg("rect", { x: (Date.parse(t.time) - from) / (to - from) * 960, y: 180 - height, width: Math.max(1, width / (to - from) * 960 - 1), height });
		const title = svg("title", {});
		title.textContent = new Date(t.time).toLocaleString() + ": " + count(t.packets);
		bar.append(title);
		return bar;
	});
	$("chart").replaceChildren(svg("line", { x1: 0, y1: 179.5, x2: 960, y2: 179.5 }), ...bars);
	$("chart-text").textContent = count(total) + " packets, by " + answer.resolution + "; at most " + count(total ? most : 0) + " in one";
	fill("chart-table", answer.times.map((t) => row(element("td", new Date(t.time).toLocaleString()), element("td", count(t.packets), "n"), element("td", bytes(t.bytes), "n"))), 3, "no hits");
}

function showSources(answer) {
	fill("sources", answer.sources.slice(0, 12).map((s) => row(element("td", s.source), element("td", count(s.events) + (s.error ? " (\u2212" + count(s.error) + ")" : ""), "n"),
		element("td", s.lines.join(", ")))), 3, "no source was reported");
}

async function readPast() {
	const rule = state.chosen ? "&rule=" + encodeURIComponent(state.chosen) : "";
	try {
		showChart(await ask("/v1/hits?by=minute&since=" + state.since + rule));
		showSources(await ask("/v1/hits?by=source&limit=12&since=" + state.since + rule));
	} catch (error) {
		$("chart").replaceChildren();
		$("chart-text").textContent = error.message;
	}
}

async function readNow() {
	try {
		const [rules, status, events] = [await ask("/v1/rules"), await ask("/v1/status"), await ask("/v1/events?last=100")];
		remember(rules.lines);
		showStatus(status);
		showLines();
		showDrops(events.events);
		if (state.lost || !state.seen)
			say(false);
		state.seen++;
	} catch (error) {
		if (!state.lost)
			say(true);
	}
}

function choose(id) {
	state.chosen = state.chosen === id ? null : id;
	const line = state.lines.find((l) => l.id === state.chosen);
	$("chosen-text").textContent = line ? place(line) + " " + words(line) : "all lines";
	$("all").hidden = !line;
	showLines();
	readPast();
}

function begin() {
	document.querySelector("#lines thead").addEventListener("click", (event) => {
		const sort = event.target.dataset.sort;
		if (!sort)
			return;
		state.down = state.sort === sort ? !state.down : true;
		state.sort = sort;
		showLines();
	});
	document.querySelector("#lines tbody").addEventListener("click", (event) => event.target.dataset.id && choose(event.target.dataset.id));
	$("filter").addEventListener("input", (event) => {
		state.filter = event.target.value;
		showLines();
	});
	$("range").addEventListener("change", (event) => {
		state.since = Number(event.target.value);
		readPast();
	});
	$("range").addEventListener("submit", (event) => event.preventDefault());
	$("all").addEventListener("click", () => choose(state.chosen));
	readNow();
	readPast();
	setInterval(() => document.hidden || readNow(), LINES_EVERY);
	setInterval(() => document.hidden || readPast(), HISTORY_EVERY);
	document.addEventListener("visibilitychange", () => document.hidden || (readNow(), readPast()));
}

begin();
