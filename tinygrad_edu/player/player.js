(async () => {
"use strict";
const page = "<!DOCTYPE html>\n" + document.documentElement.outerHTML;
const $ = id => document.getElementById(id);
const packed = new Blob([Uint8Array.from(atob($("data").textContent), letter => letter.charCodeAt())]).stream();
const data = await new Response(packed.pipeThrough(new DecompressionStream("deflate"))).text();
const G = JSON.parse(data, data.includes(`"real"`) ? (_, x) => x?.real ? +x.real : x : undefined); // JSON has no nan and inf
const U = G.turned ? 1 : 0; // the axis along the wires

// ---- numbers and names
const isNumber = x => typeof x === "number";
const short = (x, digits = 4) => x && isFinite(x) ? String(+x.toPrecision(digits)).replace("e+", "e") : String(x);
const amount = x => isNumber(x) ? short(x) : x.cells.length === 1 ? short(x.low) : "norm " + short(x.norm, 3);
const full = x => isNumber(x) ? String(x) : x.cells.length === 1 ? [x.kind, x.low].join(" ").trim() : `${x.kind}, norm ${short(x.norm)}, from ${short(x.low)} to ${short(x.high)}`;
const some = list => list.length > 8 ? [...list.slice(0, 7), "…", list.at(-1)] : list;
const written = (item, names) => /^(\*\*|[-+*/@])$/.test(item.symbol) && names.length === 2
  ? names.join(` ${item.symbol} `) : `${item.symbol}(${some(names).join(", ")})`;
const formula = item => written(item, item.inputs.map(x => x.name));
const partial = (top, by) => `∂${top.name}/∂${by.name}`;

const items = [];
for (const [title, symbol, kind, block, data, inputs = [], handed = [], hooked] of G.items) {
  const item = {title, symbol, block, data, handed, hooked, kind: kind % 4, isParameter: kind > 3, made: 0, gradients: [], users: [], inputs: inputs.map(i => items[i])};
  item.name = title || short(data);
  for (const x of item.inputs) x.users.push(item);
  item.place = items.push(item) - 1;
}
const root = items[G.root], [CONSTANT, RESULT] = [2, 3], takesNone = item => item.kind === 1 || item.kind === CONSTANT;

// ---- the steps: forward through all results, then backward along all edges
const steps = [{phase: "Start"}];
for (const item of items) if (item.kind === RESULT) item.made = steps.push({phase: "Forward", item}) - 1;
const turn = steps.length - 1;
let step = 0;
const gradient = (item, at = step) => item.gradients.findLast(([when]) => when <= at)?.[1];
const gives = (move, to, total) => to.gradients.push([steps.push(move) - 1, total]);
if (G.seed !== null) {
  gives({phase: "Seed", item: root}, root, G.seed);
  for (const item of items.toReversed()) {
    const total = item.hooked ?? gradient(item, Infinity);
    if (!item.gradients.length) continue;
    if (item.hooked !== undefined) gives({phase: "Hook", item}, item, total);
    item.handed.forEach((edge, input) => {
      if (edge === null) return;
      const source = item.inputs[input], before = gradient(source, Infinity), part = isNumber(edge) ? total * edge : edge.part;
      gives({phase: "Edge", item, input, edge, source, part, total, before}, source,
        before === undefined ? part : isNumber(part) ? before + part : edge.running);
    });
  }
}
const end = steps.length - 1;

function says({phase, item, edge, source = item, part, total, before}, at) {
  if (phase === "Start") return `${items.length} nodes: leaves and constants are given. ${turn} steps forward, ${end - turn} back.`;
  const sum = partial(root, source), now = gradient(source, at);
  return (phase === "Forward" ? `${item.name} = ${formula(item)}` + (isNumber(item.data)
    ? ` = ${written(item, item.inputs.map(x => isNumber(x.data) ? short(x.data) : x.name))} = ${short(item.data)}.` : `: ${full(item.data)}.`)
    : phase === "Seed" ? `${sum} = ${amount(now)}: here the backward pass begins.`
    : phase === "Hook" ? `A hook on ${item.name} left ${sum} = ${amount(now)}.`
    : `${sum} += ` + (isNumber(edge) ? `${partial(root, item)} · ${partial(item, source)} = ${short(total)} · ${short(edge)} = ${short(part)}`
      : `what ${formula(item)} hands back: ${full(part)}`) + (before === undefined ? "." : `; in all ${amount(now)}.`))
    + (at < end ? "" : G.end);
}

// ---- modules, and where everything is
const blocks = [], things = new Map();
for (const [title, outer] of G.blocks) {
  const frame = {title, outer: blocks[outer], items: new Set()};
  frame.depth = frame.outer ? frame.outer.depth + 1 : 0;
  things.set(-blocks.push(frame), frame);
}
items.forEach((item, i) => {
  const tone = item === root ? "root" : !item.kind && end > turn && !item.gradients.length ? "unreached" : ["leaf", "frozen", "constant", "result"][item.kind];
  for (const isValue of [true, false]) things.set(2 * i + !isValue, {item, isValue, tone: isValue ? tone : "operation", outer: blocks[item.block], items: new Set([item])});
  for (let f = blocks[item.block]; f; f = f.outer) f.items.add(item);
});
const level = depth => blocks.forEach(frame => { frame.open = frame.depth < depth; });
const wide = text => text.length * 7.4;

function leaving(knots, rect) { // a path from where it leaves a closed module
  const lo = rect[U], hi = lo + rect[U + 2], i = knots.findIndex(k => k[U] >= hi - .1 || k[U] <= lo + .1);
  if (i < 1) return knots;
  const border = [...knots[i - 1]];
  border[U] = knots[i][U] >= hi - .1 ? hi : lo;
  if (Math.abs(border[U] - knots[i][U]) < .2) border[1 - U] = knots[i][1 - U];
  return [border, ...knots.slice(i)];
}

function folded(axis, solid, points, least) { // new coordinates, without the room that nothing seen is in
  const marks = [...new Set([0, ...solid.flat(), ...points, ...least.flatMap(([a, b]) => [a, b])])].sort((a, b) => a - b);
  const at = new Map(marks.map((mark, i) => [mark, i])), cover = marks.map(() => 0);
  for (const [a, b] of solid) { cover[at.get(a)]++; cover[at.get(b)]--; }
  let depth = 0, sum = 0;
  const room = marks.slice(1).map((mark, i) => Math.min(mark - marks[i], (depth += cover[i]) ? Infinity : axis === U ? 44 : 8));
  for (const [a, b, need] of least.sort((p, q) => p[1] - p[0] - q[1] + q[0])) {
    const i = at.get(a), j = at.get(b), lack = need - room.slice(i, j).reduce((x, y) => x + y, 0);
    for (let k = i; k < j && lack > 0; k++) room[k] += lack * (marks[k + 1] - marks[k]) / (b - a);
  }
  const moved = new Map(marks.map((mark, i) => [mark, i ? sum += room[i - 1] : 0]));
  return x => moved.get(x);
}

function arrange() { // what is seen, where: in the layout that has all which is open, without what is closed
  const depth = Math.max(0, ...blocks.filter(f => f.open).map(f => f.depth + 1)), layout = G.layouts[Math.min(depth, G.layouts.length - 1)];
  const uses = new Set(), lines = [], bundles = new Map();
  for (const f of blocks) f.closed = f.outer?.closed ?? (f.open ? undefined : f);
  for (const [name, x, y, w, h, ...size] of [...layout.frames, ...layout.boxes]) Object.assign(things.get(name), {name, rect: [x, y, w, h], size});
  const shownAs = thing => thing.outer?.closed ?? thing;
  for (const [from, to, at] of layout.wires) {
    const source = things.get(from), target = things.get(to), a = shownAs(source), b = shownAs(target);
    if (b === target) uses.add(source);
    if (a === b || source.item?.isParameter && b !== target && a === source) continue;
    const key = a.name * 1e6 + b.name, bundle = bundles.get(key) ?? [], own = a === source && b === target;
    if (bundle.length && !own) continue;
    let knots = at.flatMap((x, i) => i % 2 ? [] : [[x, at[i + 1]]]);
    if (a !== source) knots = leaving(knots, a.rect);
    if (b !== target) knots = leaving(knots.toReversed(), b.rect).reverse();
    lines.push({a, b, nth: bundle.length, alike: bundle, knots});
    bundle.push(lines.at(-1));
    bundles.set(key, bundle);
  }
  const seen = [...layout.frames, ...layout.boxes].map(([name]) => things.get(name)).filter(thing => !thing.outer?.closed
    && (!thing.item?.isParameter || !thing.isValue || uses.has(thing)));
  const span = (rect, axis) => [rect[axis], rect[axis] + rect[axis + 2]];
  const maps = [0, 1].map(axis => {
    if (blocks.every(f => f.open || f.depth >= depth || f.closed !== f)) return x => x;
    const solid = seen.filter(x => x.item).map(x => span(x.rect, axis)), least = [];
    for (const {title, rect, open} of seen) {
      if (title) least.push([...span(rect, axis), axis ? 30 : wide(title) + 30]);
      if (open && axis) solid.push([rect[1], rect[1] + 20]);
    }
    return folded(axis, solid, lines.flatMap(line => line.knots.map(knot => knot[axis])), least);
  });
  for (const thing of seen) {
    const [[x, X], [y, Y]] = maps.map((map, axis) => span(thing.rect, axis).map(map));
    thing.seen = [x, y, X - x, Y - y];
  }
  for (const line of lines) line.points = line.knots.map(knot => knot.map((x, axis) => maps[axis](x)));
  return [seen, lines];
}

// ---- drawing
const graph = $("graph"), world = $("world");
const put = (element, attributes) => { for (const name in attributes) element.setAttribute(name, attributes[name]); };
const make = (tag, attributes, ...children) => {
  const element = document.createElementNS((/^(g|rect|path|text|image)$/.test(tag) ? graph : document.body).namespaceURI, tag);
  put(element, attributes);
  element.append(...children);
  return element;
};

function heat({size: [rows, columns], cells}) { // an array as an image: one row as bars, else colours
  const bars = rows === 1, canvas = make("canvas", bars ? {width: columns * 4, height: 20} : {width: columns, height: rows});
  const ink = canvas.getContext("2d"), shades = [...cells].map(x => x === "_" ? NaN : (G.digits.indexOf(x) - 31) / 31);
  const real = [0, ...shades.filter(isFinite)], high = Math.max(...real), unit = 20 / (high - Math.min(...real) || 1);
  shades.forEach((shade, i) => {
    const mix = G.colours[1].map((c, k) => c + (G.colours[shade > 0 ? 2 : 0][k] - c) * (bars ? 1 : Math.abs(shade)));
    ink.fillStyle = isNaN(shade) ? G.blank : `rgb(${mix})`;
    if (bars) ink.fillRect(i * 4, (high - Math.max(shade, 0)) * unit, 3, Math.abs(shade) * unit);
    else ink.fillRect(i % columns, Math.floor(i / columns), 1, 1);
  });
  return canvas.toDataURL();
}

function curve(points) { // the line of a wire and its head
  const V = 1 - U, tip = points.at(-1), side = Math.sign(tip[U] - points.at(-2)[U]) || 1, point = (u, v) => U ? [v, u] : [u, v];
  const back = (u, v) => point(tip[U] - u * side, tip[V] + v);
  const line = [...points.slice(0, -1), back(5, 0)].map((p, i, all) => {
    if (!i || p[V] === all[i - 1][V]) return (i ? "L" : "M") + p;
    const q = all[i - 1], middle = (p[U] + q[U]) / 2;
    return `C${point(middle, q[V])} ${point(middle, p[V])} ${p}`;
  });
  return [line.join(""), `M${tip}L${back(9, 3.4)}L${back(9, -3.4)}z`];
}

const scrub = $("scrub"), quiz = $("quiz"), guess = $("guess"), caption = $("caption"), inspector = $("inspector");
let entries = [], lines = [], picked, hovered, asked = 0, timer = 0;

function build() {
  const layers = [0, 1, 2, 3].map(() => make("g")), [seen, found] = arrange();
  entries = seen.map(thing => {
    const [x, y, width, height] = thing.seen, {title, open, item, isValue, tone, size} = thing;
    const element = make("g", {class: item ? "box " + tone : open ? "frame" : "box module", role: item ? "img" : "button", tabindex: -1},
      make("rect", {x, y, width, height, rx: !item ? 6 : isValue ? 3 : 12}));
    const entry = {thing, element, isFrame: !item, items: open ? [] : [...thing.items]};
    if (!item) {
      element.append(make("text", open ? {x: x + 8, y: y + 14} : {x: x + width / 2, y: y + height / 2 + 4}, `${open ? "−" : "+"} ${title}`));
      element.ariaExpanded = open;
    } else {
      element.dataset.item = item.place;
      if (size.length) element.append(entry.image = make("image", {x: x + 7, y: y + (height - size[1]) / 2, width: size[0], height: size[1], preserveAspectRatio: "none"}));
    }
    layers[open ? 0 : 2].append(element);
    return entry;
  });
  lines = found.map(line => {
    const element = make("g", {class: "wire"}, ...curve(line.points).map(d => make("path", {d})));
    layers[1].append(element);
    return {...line, element};
  });
  entries[0].element.tabIndex = 0;
  world.replaceChildren(...layers);
  paint();
}

function words({thing, element}, texts) { // in a row, or below each other beside a picture
  const [x, y, w, h] = thing.seen, left = thing.size.length ? thing.size[0] + 12 : 0, rows = left ? texts : [texts.join(" │ ")], room = w - left - 8;
  element.querySelectorAll("text").forEach(text => text.remove());
  rows.forEach((row, i) => element.append(make("text", {x: x + left + (w - left) / 2, y: y + h / 2 + 4 + 16 * (i - (rows.length - 1) / 2),
    ...(wide(row) > room && {textLength: room, lengthAdjust: "spacingAndGlyphs"})}, row)));
}

function paint() { // the boxes at this step
  for (const entry of entries.filter(entry => !entry.isFrame)) {
    const {items: [item], element, thing, image} = entry, made = item.made <= step, g = gradient(item), none = g === undefined, state = [made, g].join();
    if (entry.state === state && isNumber(g ?? 0)) continue;
    entry.state = state;
    element.classList.toggle("waiting", !made);
    words(entry, !thing.isValue ? [item.symbol] : [item.title, item.data.kind, !made ? "…" : (isNumber(item.data) ? "data " : "") + amount(item.data),
      !none && "grad " + amount(g)].filter(Boolean));
    element.ariaLabel = thing.isValue ? `${item.name}, data ${made ? full(item.data) : "not computed"}, gradient ${none ? "none" : full(g)}` : "operation " + formula(item);
    if (thing.isValue) element.dataset.grad = none ? "" : isNumber(g) ? g : g.norm;
    if (image) put(image, {href: made ? heat(g ?? item.data) : "data:,"});
  }
  mark();
}

const none = new Set(), matches = (item, query) => `${item.name} ${item.symbol}`.toLowerCase().includes(query), query = () => $("search").value.trim().toLowerCase();
function tag(name, things, edges = () => false) { // give the class to boxes of these items and to these wires, and take it from others
  for (const {element, items} of entries) element.classList.toggle(name, items.some(x => things.has(x)));
  for (const line of lines) line.element.classList.toggle(name, Boolean(edges(line)));
}
function mark() { // what is active, the cone of what is looked at, what is searched
  const {phase, item, input, source, edge} = steps[step], forward = phase === "Forward", active = new Set([item, source]), self = new Set((hovered ?? picked)?.items);
  const nth = item?.inputs.slice(0, input).filter(x => x === source).length, within = line => line.a.item === item && line.b.item === item;
  const isEdge = ({a, b, nth: n, alike}) => a.items.has(source) && b.items.has(item) && a.item !== item && (alike.length < 2 || n === nth);
  tag("forward", forward ? active : none, line => forward && (line.b.items.has(item) && item.inputs.some(x => line.a.items.has(x)) || within(line)));
  tag("backward", forward ? none : active, line => source && (isEdge(line) || within(line)));
  tag("self", self);
  for (const [name, next] of [["before", "inputs"], ["after", "users"]]) {
    const cone = new Set(self);
    for (const x of cone) for (const y of x[next]) cone.add(y);
    tag(name, cone, ({a, b}) => self.size && [a, b].every(end => [...end.items].some(x => cone.has(x))));
  }
  const found = query() ? items.filter(x => matches(x, query())) : [], shown = new Set(entries.map(({thing}) => thing.item));
  tag("found", new Set(found.flatMap(x => x.isParameter && !shown.has(x) ? x.users : x))); // where a parameter is hidden, who uses it
  graph.classList.toggle("cone", self.size > 0);
  const line = isNumber(edge) && !asked && lines.find(isEdge);
  world.lastChild.replaceChildren();
  if (line) {
    const [x, y, w] = line.b.seen;
    world.lastChild.append(make("text", {class: "slope", x: x + w / 2, y: y - 6}, `${partial(item, source)} = ${short(edge)}`));
  }
}

// ---- the camera
let x = 0, y = 0, scale = 1;
const look = () => put(world, {transform: `translate(${x} ${y}) scale(${scale})`});
const extent = () => [2, 3].map(i => 12 + Math.max(...entries.map(({thing: {seen}}) => seen[i - 2] + seen[i])));
function zoom(by, [a, b] = [graph.clientWidth / 2, graph.clientHeight / 2]) {
  by = Math.min(4, Math.max(.02, scale * by)) / scale;
  [x, y, scale] = [a - (a - x) * by, b - (b - y) * by, scale * by];
  look();
}
function fit(least) { // all, unless that is too small to be read
  const {clientWidth: W, clientHeight: H} = graph, [w, h] = extent();
  scale = Math.max(least, Math.min(W / w, H / h, 1.4));
  [x, y] = [Math.max(6, (W - w * scale) / 2), Math.max(6, (H - h * scale) / 2)];
  look();
}
function show(rects) { // move as far as needed to see these
  if (!rects.length) return;
  const [dx, dy] = [[0, x, graph.clientWidth], [1, y, graph.clientHeight]].map(([axis, shift, room]) => {
    const from = scale * Math.min(...rects.map(r => r[axis])) + shift, to = scale * Math.max(...rects.map(r => r[axis] + r[axis + 2])) + shift;
    return to - from > room || from < 0 ? 20 - from : to > room ? room - 20 - to : 0;
  });
  [x, y] = [x + dx, y + dy];
  look();
}

// ---- playing
const isQuiz = () => $("quizzes").ariaPressed === "true";
function go(to, quietly) {
  to = Math.min(Math.max(to, 0), end);
  if (isQuiz() && to === step + 1 && steps[to].source && asked !== to) return ask(to);
  asked = 0;
  quiz.hidden = true;
  step = scrub.value = to;
  const way = !step ? "Start" : step > turn ? "Backward" : "Forward";
  scrub.ariaValueText = `${way}, step ${step} of ${end}`;
  caption.ariaLive = quietly ? "off" : "polite";
  caption.className = way;
  caption.replaceChildren(make("b", {}, `${way} ${step}/${end} `), says(steps[step], step));
  paint();
  inspect();
  show([...world.querySelectorAll(".box:is(.forward, .backward)")].map(element => entryOf(element).thing.seen));
}
function play(on) {
  clearTimeout(timer);
  timer = 0;
  $("play").ariaLabel = on ? "Pause" : "Play";
  $("play").classList.toggle("on", on);
  if (!on) return;
  if (step === end) go(0, true);
  timer = setTimeout(function tick() {
    if (step + 1 >= end) play(false); else timer = setTimeout(tick, 1000 / $("speed").value);
    go(step + 1, timer);
    if (asked) play(false);
  }, 1000 / $("speed").value);
}
let right = 0, questions = 0;
function ask(to) { // before an edge is shown: what will it add?
  const {item, source, part, total} = steps[asked = to], known = new Set([...item.inputs, item].filter(x => x.title && isNumber(x.data)));
  const facts = [`${partial(root, item)} = ${short(total)}`, ...[...known].map(x => `${x.name} = ${short(x.data)}`)];
  $("question").textContent = isNumber(part)
    ? `What does ${item.name} = ${formula(item)} add to ${partial(root, source)}? ${facts.join(", ")}.`
    : `Which shape has what ${formula(item)} hands back to ${source.name}? Write it as 3x4.`;
  quiz.hidden = false;
  guess.value = "";
  guess.focus();
}
function answer(given) {
  const to = asked, {part} = steps[to], said = guess.value.trim().replace(",", isNumber(part) ? "." : ",");
  if (given && isNumber(part) && (!said || isNaN(said))) return guess.select(); // no answer yet
  const good = isNumber(part) ? (Math.abs(said - part) <= .01 * Math.abs(part) + 1e-9 || Object.is(+said, part))
    : said.match(/\d+/g)?.join("x") === part.kind.match(/^[\dx]+/)?.[0];
  if (given) { questions++; right += good ? 1 : 0; }
  go(to);
  if (given) caption.firstChild.after(`${good ? "Right" : "Not " + said} (${right} of ${questions}). `);
  $("next").focus();
}

// ---- looking at a node
function inspect() {
  const entry = hovered ?? picked, item = entry && !entry.isFrame && entry.items[0], g = item && gradient(item), list = make("dl"), parts = make("ol");
  const row = (name, value, picture) => list.append(make("dt", {}, name), make("dd", {}, value,
    ...(picture?.cells?.length > 1 ? [make("img", {src: heat(picture), alt: "picture of the " + name})] : [])));
  if (!item) return inspector.replaceChildren("Point at a node to see its numbers, and what its gradient is the sum of. Press on it to keep it.");
  if (item.kind === RESULT) row("made by", formula(item));
  if (item.made <= step) row("data", full(item.data), item.data);
  row("gradient", takesNone(item) ? "takes none" : g === undefined ? "none so far" : full(g), g);
  for (const [at] of item.gradients) {
    const {phase, item: from, edge, part, total} = steps[at];
    if (at <= step) parts.append(make("li", {}, phase === "Seed" ? `the pass begins: ${amount(G.seed)}` : phase === "Hook" ? `a hook left ${amount(item.hooked)}`
      : `from ${from.name}: ` + (isNumber(edge) ? `${short(total)} · ${short(edge)} = ${short(part)}` : amount(part))));
  }
  inspector.replaceChildren(make("h2", {}, item.name), list, parts);
}
function attend() { mark(); inspect(); }
function pick(entry) {
  if (entry?.isFrame) return change(() => { entry.thing.open = !entry.thing.open; }, entry.thing);
  picked = picked === entry ? undefined : entry;
  attend();
}
function change(what, thing) { // open or close modules, and keep the focus
  picked = hovered = undefined;
  what();
  build();
  inspect();
  const entry = entries.find(entry => entry.thing === thing);
  if (entry) reach(entry); else fit(.55);
}
function find() { // the match behind the one that is picked
  const found = items.filter(item => matches(item, query())), next = found[(found.indexOf(picked?.items[0]) + 1) % found.length];
  if (!next) return;
  change(() => { for (const item of [next, ...next.users.slice(0, 1)]) for (let f = blocks[item.block]; f; f = f.outer) f.open = true; });
  pick(entries.find(entry => entry.thing === things.get(2 * next.place)) ?? entries.find(entry => entry.items.includes(next)));
  show([picked.thing.seen]);
}

// ---- exports
function save(name, type, part) {
  const link = make("a", {download: name, href: URL.createObjectURL(new Blob([part], {type}))});
  link.click();
}
function drawing() {
  const copy = graph.cloneNode(true), [width, height] = extent();
  put(copy.firstElementChild, {transform: "translate(6 6)"});
  copy.prepend(document.querySelector("style").cloneNode(true), make("rect", {width, height, style: "fill:var(--paper)"}));
  put(copy, {width, height, "data-theme": style.theme});
  return [new XMLSerializer().serializeToString(copy), width, height];
}

// ---- hands
const style = document.documentElement.dataset;
const actions = {
  first: () => go(0), back: () => go(step - 1), next: () => go(step + 1), end: () => go(end), play: () => play(!timer),
  closer: () => zoom(1.25), farther: () => zoom(.8), fit: () => fit(0), reveal: () => answer(false),
  theme: () => { style.theme = style.theme === "dark" ? "light" : "dark"; },
  quizzes: () => { $("quizzes").ariaPressed = !isQuiz(); go(step); },
  svg: () => save("graph.svg", "image/svg+xml", drawing()[0]),
  html: () => save("graph.html", "text/html", page),
  png: () => {
    const [text, w, h] = drawing(), scale = Math.min(2, 4000 / Math.max(w, h)), image = new Image(), canvas = make("canvas", {width: w * scale, height: h * scale});
    image.onload = () => {
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob(blob => save("graph.png", "image/png", blob));
    };
    image.src = "data:image/svg+xml," + encodeURIComponent(text);
  },
};
for (const name in actions) $(name).onclick = () => { if (timer && name !== "play") play(false); actions[name](); };
scrub.max = end;
scrub.oninput = () => { play(false); go(+scrub.value); };
quiz.onsubmit = event => { event.preventDefault(); answer(true); };
$("search").oninput = mark;
$("depth").onchange = () => change(() => level(+$("depth").value));

const entryOf = target => entries.find(entry => entry.element.contains(target));
function reach(entry) { // the one box that Tab leads to
  for (const {element} of entries) element.tabIndex = element === entry.element ? 0 : -1;
  entry.element.focus();
  show([entry.thing.seen]);
}
const moves = {ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 1], ArrowUp: [1, -1]};
function neighbour(entry, axis, side) { // the nearest on that side
  const apart = (other, a) => other.thing.seen[a] + other.thing.seen[a + 2] / 2 - entry.thing.seen[a] - entry.thing.seen[a + 2] / 2;
  const far = other => apart(other, axis) * side > 1 ? apart(other, axis) * side + 2 * Math.abs(apart(other, 1 - axis)) : Infinity;
  reach(entries.reduce((a, b) => far(b) < far(a) ? b : a, entry));
}
onkeydown = event => {
  const {key, target} = event, entry = entryOf(target), button = document.querySelector(`[data-keys~="${CSS.escape(key === " " ? "Space" : key)}"]`);
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (key === "Escape") { picked = hovered = undefined; target.blur(); go(step); }
  if (target.id === "search" && key === "Enter") find();
  if (/INPUT|SELECT/.test(target.tagName) || key === " " && /BUTTON|SUMMARY/.test(target.tagName)) return;
  if (entry && moves[key]) neighbour(entry, ...moves[key]);
  else if (entry && (key === "Enter" || key === " ")) pick(entry);
  else if (key === "/") $("search").focus();
  else if (button) button.click();
  else return;
  event.preventDefault();
};
let drag;
graph.onpointerdown = event => { drag = {x: event.clientX - x, y: event.clientY - y}; };
graph.onpointermove = event => {
  if (!drag || !event.buttons) return;
  const [a, b] = [event.clientX - drag.x, event.clientY - drag.y];
  if (!drag.moved && Math.hypot(a - x, b - y) < 4) return;
  drag.moved = true;
  [x, y] = [a, b];
  look();
};
graph.onclick = event => {
  const entry = entryOf(event.target);
  if (drag?.moved) return;
  if (entry && !(entry.thing.open && event.target.tagName === "rect")) pick(entry); else if (picked) pick(picked);
};
graph.addEventListener("wheel", event => {
  if (!event.ctrlKey) return;
  event.preventDefault();
  zoom(event.deltaY < 0 ? 1.15 : .87, [event.offsetX, event.offsetY]);
}, {passive: false});
const hover = entry => { if (entry !== hovered) { hovered = entry; attend(); } };
graph.onpointerover = event => hover(entryOf(event.target));
graph.onpointerleave = () => hover();
graph.addEventListener("focusin", event => { if (event.target.matches(":focus-visible")) hover(entryOf(event.target)); });
graph.addEventListener("focusout", () => hover());

if (style.theme === "auto") style.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
level(G.opened);
build();
new ResizeObserver((_, observer) => { if (graph.clientWidth) { fit(.55); observer.disconnect(); } }).observe(graph);
go(0);
})();
