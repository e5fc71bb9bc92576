(async () => {
"use strict";
const page = "<!DOCTYPE html>\n" + document.documentElement.outerHTML;
const $ = id => document.getElementById(id);
const packed = new Blob([Uint8Array.from(atob($("data").textContent), letter => letter.charCodeAt())]).stream();
const G = JSON.parse(await new Response(packed.pipeThrough(new DecompressionStream("deflate"))).text(), (_, x) => x?.real ? +x.real : x);
const U = G.turned ? 1 : 0; // the axis along the wires

// ---- numbers and names
const isNumber = x => typeof x === "number";
const short = (x, digits = 4) => x && isFinite(x) ? String(+x.toPrecision(digits)).replace("e+", "e") : String(x);
const amount = x => isNumber(x) ? short(x) : x.cells.length === 1 ? short(x.low) : "norm " + short(x.norm, 3);
const full = x => isNumber(x) ? String(x) : `${x.kind}, norm ${short(x.norm)}, from ${short(x.low)} to ${short(x.high)}`;
const some = list => list.length > 8 ? [...list.slice(0, 7), "…", list.at(-1)] : list;
const written = (item, names) => /^(\*\*|[-+*/@])$/.test(item.symbol) && names.length === 2
  ? names.join(` ${item.symbol} `) : `${item.symbol}(${some(names).join(", ")})`;
const formula = item => written(item, item.inputs.map(x => x.name));
const partial = (top, by) => `∂${top.name}/∂${by.name}`;

const items = G.items.map(([name, symbol, kind, data, inputs = [], handed = [], hooked], place) => ({
  symbol, data, handed, hooked, title: name, isResult: kind === 3, takes: kind === 0 || kind === 3, made: 0, gradients: [], users: [],
  name: name || (kind === 2 && isNumber(data) ? short(data) : "v" + place), inputs: inputs.map(i => i), place,
}));
for (const item of items) {
  item.inputs = item.inputs.map(i => items[i]);
  for (const x of item.inputs) x.users.push(item);
}
const root = items[G.root];

// ---- the steps: forward through all results, then backward along all edges
const steps = [{phase: "Start"}];
for (const item of items) if (item.isResult) item.made = steps.push({phase: "Forward", item}) - 1;
const turn = steps.length - 1;
const gradient = (item, at = step) => item.gradients.findLast(([when]) => when <= at)?.[1];
const gives = (move, to, total) => to.gradients.push([steps.push(move) - 1, total]);
if (G.seed !== null) {
  gives({phase: "Seed", item: root}, root, G.seed);
  for (const item of items.toReversed()) {
    const total = item.hooked ?? gradient(item, Infinity);
    if (total === undefined || !item.gradients.length) continue;
    if (item.hooked !== undefined) gives({phase: "Hook", item}, item, total);
    item.handed.forEach((edge, input) => {
      if (edge === null) return;
      const source = item.inputs[input], before = gradient(source, Infinity);
      const part = isNumber(edge) ? total * edge : edge.part;
      gives({phase: "Edge", item, input, edge, source, part, total, before}, source,
        before === undefined ? part : isNumber(part) ? before + part : edge.running);
    });
  }
}
const end = steps.length - 1;

function says({phase, item, edge, source, part, total, before}, at) {
  if (phase === "Start") return `${items.length} nodes: leaves and constants are given. ${turn} steps forward, ${end - turn} back.`;
  const to = source ?? item, sum = partial(root, to);
  return (phase === "Forward" ? `${item.name} = ${formula(item)}` + (isNumber(item.data)
    ? ` = ${written(item, item.inputs.map(x => isNumber(x.data) ? short(x.data) : x.name))} = ${short(item.data)}.` : `: ${full(item.data)}.`)
    : phase === "Seed" ? `${sum} = ${amount(G.seed)}: here the backward pass begins.`
    : phase === "Hook" ? `A hook on ${item.name} left ${sum} = ${amount(total = gradient(item, at))}.`
    : `${sum} += ` + (isNumber(edge) ? `${partial(root, item)} · ${partial(item, source)} = ${short(total)} · ${short(edge)} = ${short(part)}`
      : `what ${formula(item)} hands back: ${full(part)}`) + (before === undefined ? "." : `; in all ${amount(gradient(to, at))}.`))
    + (at < end ? "" : G.end);
}

// ---- modules, and where everything is
const frames = [], boxes = [];
for (const [title, outer, ...rect] of G.frames) {
  const frame = {title, rect, outer: frames[outer], items: new Set()};
  frame.depth = frame.outer ? frame.outer.depth + 1 : 0;
  frames.push(frame);
}
for (const [place, frame, isValue, tone, ...rest] of G.boxes) {
  const box = {item: items[place], frame: frames[frame], isValue, isParameter: isValue === 2, tone, users: [], rect: rest.slice(0, 4), size: rest.slice(4)};
  boxes.push(box);
  for (let f = box.frame; f; f = f.outer) f.items.add(box.item);
}
const wires = G.wires.map(([a, b, at]) => ({
  source: boxes[a], target: boxes[b], from: boxes[a].item, to: boxes[b].item, knots: at.flatMap((x, i) => i % 2 ? [] : [[x, at[i + 1]]]),
}));
wires.forEach((wire, i) => {
  wire.source.users.push(wire.target);
  wire.input = i && wires[i - 1].to === wire.to ? wires[i - 1].input + 1 : 0;
});
const level = depth => frames.forEach(frame => { frame.open = frame.depth < depth; });
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
  let depth = 0;
  const room = marks.slice(1).map((mark, i) => (depth += cover[i]) ? mark - marks[i] : Math.min(mark - marks[i], axis === U ? 44 : 14));
  for (const [a, b, need] of least.sort((p, q) => p[1] - p[0] - q[1] + q[0])) {
    const i = at.get(a), j = at.get(b), lack = need - room.slice(i, j).reduce((x, y) => x + y, 0);
    for (let k = i; k < j && lack > 0; k++) room[k] += lack * (marks[k + 1] - marks[k]) / (b - a);
  }
  let sum = 0;
  const moved = new Map(marks.map((mark, i) => [mark, i ? sum += room[i - 1] : 0]));
  return x => moved.get(x);
}

function arrange() { // what is seen, where
  for (const f of frames) f.closed = f.outer?.closed ?? (f.open ? undefined : f);
  for (const box of boxes) box.hidden = box.frame?.closed || box.isParameter && box.users.every(user => user.frame?.closed);
  const seen = [...frames.filter(f => !f.outer?.closed), ...boxes.filter(box => !box.hidden)], lines = [], bundles = new Map();
  for (const wire of wires) {
    if (wire.source.hidden === true) continue;
    const a = wire.source.frame?.closed ?? wire.source, b = wire.target.frame?.closed ?? wire.target, key = [a.rect, b.rect].join();
    if (a === b) continue;
    const own = a === wire.source && b === wire.target, bundle = bundles.get(key);
    if (bundle && !own) { bundle.wires.push(wire); continue; }
    let knots = a === wire.source ? wire.knots : leaving(wire.knots, a.rect);
    if (b !== wire.target) knots = leaving(knots.toReversed(), b.rect).reverse();
    lines.push({wires: [wire], knots});
    if (!own) bundles.set(key, lines.at(-1));
  }
  const span = (rect, axis) => [rect[axis], rect[axis] + rect[axis + 2]];
  const maps = [0, 1].map(axis => {
    const solid = [], least = [], points = lines.flatMap(line => line.knots.map(knot => knot[axis]));
    for (const {title, rect, open} of seen) {
      if (title === undefined) solid.push(span(rect, axis));
      else {
        least.push([...span(rect, axis), axis ? 30 : wide(title) + 30]);
        if (open && axis) solid.push([rect[1], rect[1] + 20]);
      }
    }
    return frames.every(f => f.open) ? x => x : folded(axis, solid, points, least);
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
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElementNS(/^(g|rect|path|text|tspan|image|svg|style)$/.test(tag) ? graph.namespaceURI : document.body.namespaceURI, tag);
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  element.append(...children);
  return element;
};

function heat({size: [rows, columns], cells}) { // an array as an image: one row as bars, else colours
  const bars = rows === 1, canvas = make("canvas", bars ? {width: columns * 4, height: 20} : {width: columns, height: rows});
  const ink = canvas.getContext("2d"), shades = [...cells].map(x => x === "_" ? NaN : (G.digits.indexOf(x) - 31) / 31);
  const high = Math.max(0, ...shades.filter(s => s > 0)), unit = 20 / (high - Math.min(0, ...shades.filter(s => s < 0)) || 1);
  shades.forEach((shade, i) => {
    const mix = G.colours[1].map((c, k) => c + (G.colours[shade > 0 ? 2 : 0][k] - c) * (bars ? 1 : Math.abs(shade)));
    ink.fillStyle = isNaN(shade) ? "#c9c9c9" : `rgb(${mix})`;
    if (bars) ink.fillRect(i * 4, (high - Math.max(shade, 0)) * unit, 3, Math.abs(shade) * unit);
    else ink.fillRect(i % columns, Math.floor(i / columns), 1, 1);
  });
  return canvas.toDataURL();
}

function curve(points) { // the line of a wire and its head
  const V = 1 - U, tip = points.at(-1), side = Math.sign(tip[U] - points.at(-2)[U]) || 1;
  const from = (u, v) => U ? [tip[0] + v, tip[1] + u] : [tip[0] + u, tip[1] + v];
  const line = [...points.slice(0, -1), from(-5 * side, 0)].map((p, i, all) => {
    if (!i || p[V] === all[i - 1][V]) return (i ? "L" : "M") + p;
    const q = all[i - 1], middle = (p[U] + q[U]) / 2, bend = v => U ? [v, middle] : [middle, v];
    return `C${bend(q[V])} ${bend(p[V])} ${p}`;
  });
  return [line.join(""), `M${tip}L${from(-9 * side, 3.4)}L${from(-9 * side, -3.4)}z`];
}

let entries = [], lines = [], step = 0, picked, hovered, asked = 0, timer = 0;

function build() {
  const layers = [0, 1, 2, 3].map(() => make("g")), [seen, found] = arrange();
  entries = seen.map(thing => {
    const [x, y, w, h] = thing.seen, {title, open, item, isValue, tone, size} = thing, isFrame = title !== undefined;
    const kind = isFrame ? (open ? "frame" : "box module") : "box " + (isValue ? tone : "operation");
    const element = make("g", {class: kind, role: "button", tabindex: -1}, make("rect", {x, y, width: w, height: h, rx: isFrame ? 6 : isValue ? 3 : 12}));
    const entry = {thing, element, isFrame, items: isFrame ? (open ? [] : [...thing.items]) : [item]};
    if (isFrame) {
      element.append(make("text", open ? {x: x + 8, y: y + 14} : {x: x + w / 2, y: y + h / 2 + 4, "text-anchor": "middle"}, `${open ? "−" : "+"} ${title}`));
      element.setAttribute("aria-expanded", open);
      element.setAttribute("aria-label", "module " + title);
    } else {
      element.dataset.item = item.place;
      if (size.length) element.append(entry.image = make("image", {x: x + 7, y: y + (h - size[1]) / 2, width: size[0], height: size[1], preserveAspectRatio: "none"}));
    }
    layers[open ? 0 : 2].append(element);
    return entry;
  });
  lines = found.map(line => {
    const element = make("g", {class: "wire"}, ...curve(line.points).map(d => make("path", {d})));
    layers[1].append(element);
    return {...line, element};
  });
  entries[0].element.setAttribute("tabindex", 0);
  world.replaceChildren(...layers);
  paint();
}

function words({thing, element}, texts) { // in a row, or below each other beside a picture
  const [x, y, w, h] = thing.seen, left = thing.size.length ? thing.size[0] + 12 : 0, rows = left ? texts : [texts.join(" │ ")];
  element.querySelectorAll("text").forEach(text => text.remove());
  rows.forEach((row, i) => {
    const text = make("text", {x: x + left + (w - left) / 2, y: y + h / 2 + 4 + 16 * (i - (rows.length - 1) / 2), "text-anchor": "middle"}, row);
    if (wide(row) > w - left - 8) for (const [name, value] of [["textLength", w - left - 8], ["lengthAdjust", "spacingAndGlyphs"]]) text.setAttribute(name, value);
    element.append(text);
  });
}

function paint() { // the boxes at this step
  for (const entry of entries.filter(entry => !entry.isFrame)) {
    const {items: [item], element, thing, image} = entry, made = item.made <= step, g = gradient(item), state = made + JSON.stringify(g) + g;
    if (entry.state === state) continue;
    entry.state = state;
    element.classList.toggle("waiting", !made);
    if (!thing.isValue) {
      words(entry, [item.symbol]);
      element.setAttribute("aria-label", "operation " + formula(item));
      continue;
    }
    words(entry, [item.title.slice(0, 28), item.data.kind, !made ? "…" : isNumber(item.data) ? "data " + short(item.data) : amount(item.data),
      g !== undefined && "grad " + amount(g)].filter(Boolean));
    element.setAttribute("aria-label", `${item.name}, data ${made ? full(item.data) : "not computed"}, gradient ${g === undefined ? "none" : full(g)}`);
    element.dataset.grad = g === undefined ? "" : isNumber(g) ? g : g.norm;
    if (image) image.setAttribute("href", made ? heat(g ?? item.data) : "data:,");
  }
  mark();
}

function tag(name, things, edges) { // give the class to boxes of these items and to these wires, and take it from others
  for (const {element, items} of entries) element.classList.toggle(name, items.some(x => things.has(x)));
  for (const {element, wires} of lines) element.classList.toggle(name, wires.some(edges));
}

function mark() { // what is active, the cone of what is looked at, what is searched
  const {phase, item, input, source, edge} = steps[step], forward = phase === "Forward", active = new Set([item, source]);
  const used = wire => item && wire.to === item && (forward || source && (wire.input === input || wire.from === item));
  const none = new Set(), look = hovered ?? picked, self = new Set(look?.items), query = $("search").value.trim().toLowerCase();
  tag("forward", forward ? active : none, wire => forward && used(wire));
  tag("backward", forward ? none : active, wire => !forward && used(wire));
  tag("self", self, () => false);
  for (const [name, next] of [["before", "inputs"], ["after", "users"]]) {
    const cone = new Set(self);
    for (const x of cone) for (const y of x[next]) cone.add(y);
    tag(name, cone, wire => cone.has(wire.from) && cone.has(wire.to));
  }
  tag("found", new Set(query ? items.filter(x => matches(x, query)) : []), () => false);
  graph.classList.toggle("cone", self.size > 0);
  const label = world.lastChild, line = isNumber(edge) && !asked && lines.find(({wires}) => wires.some(w => w.to === item && w.input === input && w.from === source));
  label.replaceChildren();
  if (line) {
    const [a, b] = line.points.slice(-2);
    label.append(make("text", {class: "slope", x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2 - 5, "text-anchor": "middle"}, `${partial(item, source)} = ${short(edge)}`));
  }
}
const matches = (item, query) => `${item.name} ${item.symbol}`.toLowerCase().includes(query);

// ---- the camera
let x = 0, y = 0, scale = 1;
const look = () => world.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
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
    return from > 8 && to < room - 8 ? 0 : to - from > room ? 8 - from : (room - from - to) / 2;
  });
  [x, y] = [x + dx, y + dy];
  look();
}
const follow = () => show(entries.filter(({element}) => /(for|back)ward/.test(element.className.baseVal)).map(({thing}) => thing.seen));

// ---- playing
const isQuiz = () => $("quizzes").ariaPressed === "true";
function go(to, quietly) {
  to = Math.min(Math.max(to, 0), end);
  if (isQuiz() && to === step + 1 && steps[to].source && asked !== to) return ask(to);
  asked = 0;
  $("quiz").hidden = true;
  step = $("scrub").value = to;
  const way = !step ? "Start" : step > turn ? "Backward" : "Forward";
  $("scrub").setAttribute("aria-valuetext", `${way}, step ${step} of ${end}`);
  $("caption").ariaLive = quietly ? "off" : "polite";
  $("caption").className = way;
  $("caption").replaceChildren(make("b", {}, `${way} ${step}/${end} `), says(steps[step], step));
  paint();
  inspect();
  follow();
}
function play(on) {
  clearTimeout(timer);
  timer = 0;
  $("play").ariaLabel = on ? "Pause" : "Play";
  $("play").classList.toggle("on", on);
  if (!on) return;
  if (step === end) go(0, true);
  const tick = () => {
    if (step + 1 >= end || isQuiz()) play(false);
    else timer = setTimeout(tick, 1000 / $("speed").value);
    go(step + 1, timer);
  };
  timer = setTimeout(tick, 1000 / $("speed").value);
}
function ask(to) { // before an edge is shown: what will it add?
  const {item, source, part, total} = steps[asked = to], known = new Set([...item.inputs, item].filter(x => x.takes && isNumber(x.data)));
  $("question").textContent = isNumber(part)
    ? `What does ${item.name} = ${formula(item)} add to ${partial(root, source)}? ${partial(root, item)} = ${short(total)}`
      + [...known].map(x => `, ${x.name} = ${short(x.data)}`).join("") + "."
    : `Which shape has what ${formula(item)} hands back to ${source.name}? Write it as 3x4.`;
  $("quiz").hidden = false;
  $("guess").value = "";
  $("guess").focus();
}
let right = 0, questions = 0;
function answer(given) {
  const to = asked, {part} = steps[to], said = $("guess").value.trim();
  const good = isNumber(part) ? said && (Math.abs(said - part) <= .01 * Math.abs(part) + 1e-9 || Object.is(+said, part))
    : said.split(/\D+/).filter(Boolean).join("x") === part.kind.split(" ")[0].replace("number", "");
  if (given) { questions++; right += good ? 1 : 0; }
  go(to);
  if (given) $("caption").firstChild.after(`${good ? "Right" : "No"} (${right} of ${questions}). `);
  $("next").focus();
}

// ---- looking at a node
function inspect() {
  const item = picked && !picked.isFrame && picked.items[0], g = item && gradient(item), list = make("dl"), parts = make("ol");
  const row = (name, value, picture) => list.append(make("dt", {}, name), make("dd", {}, value,
    ...(picture?.cells?.length > 1 ? [make("img", {src: heat(picture), alt: `picture of the ${name}`})] : [])));
  if (!item) return $("inspector").replaceChildren(make("p", {}, "Press on a node to see its numbers, and what its gradient is the sum of."));
  if (item.isResult) row("made by", formula(item));
  if (item.made <= step) row("data", full(item.data), item.data);
  if (item.takes) row("gradient", g === undefined ? "none so far" : full(g), g);
  steps.slice(0, step + 1).forEach(({phase, item: from, edge, source, part, total}, at) => {
    const text = source === item ? `from ${from.name}: ` + (isNumber(edge) ? `${short(total)} · ${short(edge)} = ${short(part)}` : amount(part))
      : from === item && phase === "Seed" ? `the pass begins: ${amount(G.seed)}` : from === item && phase === "Hook" && `a hook left ${amount(gradient(item, at))}`;
    if (text) parts.append(make("li", {}, text));
  });
  $("inspector").replaceChildren(make("h2", {}, item.name), list, parts);
}
function pick(entry) {
  if (entry?.isFrame) return change(() => { entry.thing.open = !entry.thing.open; }, entry.thing);
  picked = picked === entry ? undefined : entry;
  mark();
  inspect();
}
function change(what, thing) { // open or close modules, and keep the focus
  picked = hovered = undefined;
  what();
  build();
  inspect();
  const entry = entries.find(entry => entry.thing === thing);
  if (entry) reach(entry); else fit(.55);
}
function find(query) { // the match behind the one that is picked
  const found = boxes.filter(box => box.isValue && matches(box.item, query)), next = found[(found.indexOf(picked?.thing) + 1) % found.length];
  if (!next) return;
  change(() => { for (let f = next.frame; f; f = f.outer) f.open = true; });
  pick(entries.find(entry => entry.thing === next));
  show([next.seen]);
}

// ---- exports
function save(name, type, ...parts) {
  const link = make("a", {download: name, href: URL.createObjectURL(new Blob(parts, {type}))});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1e4);
}
function drawing() {
  const copy = graph.cloneNode(true), style = document.querySelector("style").textContent, [width, height] = extent();
  copy.firstElementChild.setAttribute("transform", "translate(6 6)");
  copy.prepend(make("style", {}, style), make("rect", {width, height, style: "fill:var(--paper)"}));
  for (const [name, value] of Object.entries({xmlns: graph.namespaceURI, width, height, "data-theme": document.documentElement.dataset.theme})) copy.setAttribute(name, value);
  return [new XMLSerializer().serializeToString(copy), width, height];
}

// ---- hands
const actions = {
  first: () => go(0), back: () => go(step - 1), next: () => go(step + 1), end: () => go(end), play: () => play(!timer),
  closer: () => zoom(1.25), farther: () => zoom(.8), fit: () => fit(0), reveal: () => answer(false), theme: () => theme(),
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
function theme(wanted = document.documentElement.dataset.theme === "dark" ? "light" : "dark") {
  document.documentElement.dataset.theme = wanted !== "auto" ? wanted : matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}
$("scrub").max = end;
$("scrub").oninput = () => { play(false); go(+$("scrub").value); };
$("quiz").onsubmit = event => { event.preventDefault(); answer(true); };
$("search").oninput = mark;
$("depth").onchange = () => change(() => level(+$("depth").value));

const entryOf = target => entries.find(entry => entry.element.contains(target));
function reach(entry) { // the one box that Tab leads to
  for (const {element} of entries) element.setAttribute("tabindex", element === entry.element ? 0 : -1);
  entry.element.focus();
  show([entry.thing.seen]);
}
const moves = {ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 1], ArrowUp: [1, -1]};
function neighbour(entry, axis, side) { // the nearest on that side
  const apart = (other, a) => other.thing.seen[a] + other.thing.seen[a + 2] / 2 - entry.thing.seen[a] - entry.thing.seen[a + 2] / 2;
  const far = other => apart(other, axis) * side > 1 ? apart(other, axis) * side + 2 * Math.abs(apart(other, 1 - axis)) : Infinity;
  const best = entries.reduce((a, b) => far(b) < far(a) ? b : a, entry);
  if (best !== entry) reach(best);
}
onkeydown = event => {
  const {key, target} = event, entry = entryOf(target), button = document.querySelector(`[data-keys~="${CSS.escape(key === " " ? "Space" : key)}"]`);
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (key === "Escape") { asked = 0; $("quiz").hidden = true; picked = hovered = undefined; mark(); inspect(); target.blur(); }
  if (target.id === "search" && key === "Enter") find(target.value.trim().toLowerCase());
  if (/INPUT|SELECT/.test(target.tagName) || key === " " && target.tagName === "BUTTON") return;
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
const hover = entry => { if (entry !== hovered) { hovered = entry; mark(); } };
graph.onpointerover = event => hover(entryOf(event.target));
graph.onpointerleave = () => hover();
graph.addEventListener("focusin", event => { if (event.target.matches(":focus-visible")) hover(entryOf(event.target)); });
graph.addEventListener("focusout", () => hover());

theme(document.documentElement.dataset.theme);
level(G.opened);
build();
new ResizeObserver((_, observer) => { if (graph.clientWidth) { fit(.55); observer.disconnect(); } }).observe(graph);
go(0);
})();
