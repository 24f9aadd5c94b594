// A Lean worker for the WebAssembly build of Lean: the protocol and the checks of verifiers/proofs/checker.lean,
// which that build cannot run (it has no code for the interpreter), by calls of the same functions of Lean.
// Objects of Lean are addresses; their layout is that of lean.h on 32 bits. Nothing is ever freed.
// Usage: node driver.js LEAN_JS FOLDER_OF_OLEANS

"use strict";
const fs = require("fs");
const [leanJs, oleans] = process.argv.slice(2);
const UNIT = 1;
const LIMIT = 4000;
let ready = false;

// This build tells of its own start on stdout.
process.stdout.write = (what) => ready && fs.writeSync(1, what) > 0;

const lean = (globalThis.LeanModule = {
  noInitialRun: true,
  onRuntimeInitialized: () => main(),
});

const u32 = (at) => new Uint32Array(lean.leanMemory())[at >>> 2];
const u8 = (at) => new Uint8Array(lean.leanMemory())[at];
const isBoxed = (object) => (object & 1) === 1;
const tag = (object) => (isBoxed(object) ? object >>> 1 : u8(object + 7));
const field = (object, index) => u32(object + 8 + 4 * index);
const box = (number) => ((number << 1) | 1) >>> 0;

// One more owner, or rather many: every call may consume what it is given.
function keep(object) {
  if (!isBoxed(object)) {
    const counts = new Int32Array(lean.leanMemory());
    if (counts[object >> 2] > 0) counts[object >> 2] += 1000000;
    else if (counts[object >> 2] < 0) counts[object >> 2] -= 1000000;
  }
  return object;
}

function call(name, ...args) {
  args.forEach(keep);
  const result = lean.exported(name)(...args);
  return typeof result === "number" ? result >>> 0 : result;
}

class LeanError extends Error {}

// The value of an IO action: ok(value) or error(error).
function io(name, ...args) {
  const result = call(name, ...args);
  if (tag(result) !== 0) throw new LeanError(text(call("l_IO_Error_toString", field(result, 0))));
  return keep(field(result, 0));
}

function constructor(tagged, fields, scalars = 0) {
  const size = (8 + 4 * fields.length + scalars + 7) & ~7;
  const object = lean._lean_alloc_object(size) >>> 0;
  new Int32Array(lean.leanMemory())[object >> 2] = 1;
  new Uint16Array(lean.leanMemory())[(object + 4) >> 1] = size;
  new Uint8Array(lean.leanMemory()).fill(0, object + 8, object + size);
  new Uint8Array(lean.leanMemory())[object + 6] = fields.length;
  new Uint8Array(lean.leanMemory())[object + 7] = tagged;
  fields.forEach((value, index) => (new Uint32Array(lean.leanMemory())[(object + 8 + 4 * index) >> 2] = keep(value)));
  return keep(object);
}

const list = (items) => items.reduceRight((rest, item) => constructor(1, [item, rest]), box(0));

function string(value) {
  const bytes = Buffer.from(value + "\0", "utf8");
  const at = lean._malloc(bytes.length) >>> 0;
  new Uint8Array(lean.leanMemory()).set(bytes, at);
  const object = lean._lean_mk_string(at) >>> 0;
  lean._free(at);
  return keep(object);
}

const text = (object) => Buffer.from(new Uint8Array(lean.leanMemory(), object + 20, u32(object + 8) - 1)).toString("utf8");
const array = (object) => Array.from({ length: u32(object + 8) }, (_, index) => u32(object + 16 + 4 * index));

function items(cons) {
  const found = [];
  for (; !isBoxed(cons); cons = field(cons, 1)) found.push(field(cons, 0));
  return found;
}

function name(object) {
  if (isBoxed(object)) return "";
  const prefix = name(field(object, 0));
  const last = tag(object) === 1 ? text(field(object, 1)) : String(field(object, 1) >>> 1);
  return prefix ? prefix + "." + last : last;
}

const global = (symbol) => u32(lean.exported(symbol).value);

function inputContext(source) {
  const end = box(Buffer.byteLength(source));
  return keep(call("l_Lean_Parser_mkInputContext", string(source), string("<proof>"), 0, end, UNIT));
}

const startOfFile = () => constructor(0, [box(0)], 1);

// Syntax: node is 1 (info, kind, args), atom is 2, ident is 3 (info, raw, name, preresolved).
function* nodes(syntax) {
  const pending = [syntax];
  while (pending.length) {
    const node = pending.pop();
    yield node;
    if (tag(node) === 1 && !isBoxed(node)) pending.push(...array(field(node, 2)).reverse());
  }
}

const kind = (syntax) => (!isBoxed(syntax) && tag(syntax) === 1 ? name(field(syntax, 1)) : "");

function lineOf(context, syntax) {
  const place = call("l_Lean_Syntax_getPos_x3f", syntax, 0);
  if (isBoxed(place)) return [];
  const fileMap = field(context, 2);
  return [field(call("l_Lean_FileMap_toPosition", fileMap, field(place, 0)), 0) >>> 1];
}

function errors(log) {
  const messages = array(call("l_Lean_MessageLog_toArray", log)).map((message) => text(call("l_Lean_Message_toString", message, 0)));
  const found = messages.map((message) => message.match(/^<proof>:(\d+):\d+: error[^:]*: ([\s\S]*)$/)).filter(Boolean);
  return { lines: found.map((match) => Number(match[1])), detail: found.length ? found[0][2].trim().slice(0, LIMIT) : "" };
}

const commandEnvironment = (state) => field(state, 0);
const commandMessages = (state) => field(state, 1);
const scope = (state) => field(field(state, 2), 0);
const kernelEnvironment = (state) => keep(call("lean_elab_environment_to_kernel_env", commandEnvironment(state)));

function parse(context, state, parserState) {
  const open = scope(state);
  const module = constructor(0, [commandEnvironment(state), field(open, 1), field(open, 2), field(open, 3)]);
  const parsed = keep(call("l_Lean_Parser_parseCommand", context, module, parserState, global("l_Lean_MessageLog_empty")));
  return { syntax: keep(field(parsed, 0)), next: keep(field(field(parsed, 1), 0)), messages: keep(field(field(parsed, 1), 1)) };
}

function elaborate(context, state, syntax) {
  const frontend = constructor(0, [state, startOfFile(), box(0), call("lean_mk_array", box(0), box(0))]);
  const reference = keep(call("lean_st_mk_ref", frontend));
  io("l_Lean_Elab_Frontend_elabCommandAtFrontend", syntax, context, reference);
  return keep(field(keep(call("lean_st_ref_get", reference)), 0));
}

// Constants that were declared here and not imported, by name.
function ownConstants(environment) {
  const found = new Map();
  const visit = (node) => {
    if (tag(node) === 1) {
      const keys = array(field(node, 0));
      array(field(node, 1)).forEach((value, index) => found.set(name(keys[index]), value));
      return;
    }
    for (const entry of array(field(node, 0))) {
      if (isBoxed(entry)) continue;
      if (tag(entry) === 0) found.set(name(field(entry, 0)), field(entry, 1));
      else visit(field(entry, 0));
    }
  };
  let map = field(field(environment, 0), 1);
  if (tag(map) === 0 && u8(field(map, 0) + 7) !== 246) map = field(map, 0);
  visit(map);
  return found;
}

const AXIOM = 0, DEFINITION = 1, THEOREM = 2;
const constantVal = (info) => field(field(info, 0), 0);
const typeOf = (info) => field(constantVal(info), 2);
const levelsOf = (info) => items(field(constantVal(info), 1)).map(name).join(" ");
const valueOf = (info) => (tag(info) === DEFINITION || tag(info) === THEOREM || tag(info) === 3 ? field(field(info, 0), 1) : null);
const used = (expression) => array(call("l_Lean_Expr_getUsedConstants", expression)).map(name);
const userName = (constant) => constant.replace(/^_private\..*?\.0\./, "");

let base, rules;

function start({ header, policy }) {
  rules = policy;
  const context = inputContext(header);
  const parsed = io("l_Lean_Parser_parseHeader", context);
  const headerSyntax = keep(field(parsed, 0));
  const parserState = keep(field(field(parsed, 1), 0));
  const options = global("l_Lean_Options_empty");
  const noPlugins = call("lean_mk_array", box(0), box(0));
  const mainModule = call("lean_name_mk_string", box(0), string("Proof"));
  const [environment, messages] = (([pair]) => [field(pair, 0), field(pair, 1)])([
    io("l_Lean_Elab_processHeader", headerSyntax, options, keep(field(field(parsed, 1), 1)), context, 0, noPlugins, 1, mainModule),
  ]);
  let failed = errors(keep(messages));
  if (failed.lines.length) return { verdict: "header_error", detail: failed.detail };
  let state = keep(call("l_Lean_Elab_Command_mkState", environment, messages, options));
  for (let at = parserState; ; ) {
    const command = parse(context, state, at);
    if (kind(command.syntax) === "Lean.Parser.Command.eoi") break;
    state = elaborate(context, state, command.syntax);
    failed = errors(commandMessages(state));
    if (failed.lines.length) return { verdict: "header_error", detail: failed.detail };
    at = command.next;
  }
  base = { state, environment: kernelEnvironment(state), constants: ownConstants(kernelEnvironment(state)), types: new Map() };
  return { verdict: "ready", lean: text(global("l_Lean_versionString")) + " wasm" };
}

// The type of the trusted statement, elaborated once.
function trusted(signature, wanted) {
  if (!base.types.has(signature)) {
    const context = inputContext(signature + " := by sorry\n");
    const command = parse(context, base.state, startOfFile());
    const state = elaborate(context, base.state, command.syntax);
    const failed = errors(command.messages).detail || errors(commandMessages(state)).detail;
    const info = failed ? undefined : theorem(kernelEnvironment(state), wanted);
    base.types.set(signature, info ? { info } : { failed: failed || "it declares no theorem of that name" });
  }
  return base.types.get(signature);
}

function theorem(environment, wanted) {
  const found = [...ownConstants(environment)].filter(([constant]) => !base.constants.has(constant) && userName(constant) === wanted);
  return found.length === 1 && tag(found[0][1]) === THEOREM ? found[0][1] : undefined;
}

function forbidden(syntax) {
  for (const node of nodes(syntax)) {
    const kindOfNode = kind(node);
    const word = !isBoxed(node) && tag(node) === 2 ? text(field(node, 1)).trim() : "";
    if (rules.words.includes(word)) return { node, detail: `a proof may not use ${word}` };
    const parts = kindOfNode ? array(field(node, 2)) : [];
    if (kindOfNode.endsWith(".set_option")) {
      const option = name(field(parts.find((part) => !isBoxed(part) && tag(part) === 3) ?? parts[1], 2));
      const number = [...nodes(node)].find((part) => kind(part) === "num");
      const value = number === undefined ? 0 : Number(text(field(array(field(number, 2))[0], 1)).replaceAll("_", ""));
      const most = rules.options[option];
      const allowed = most !== undefined ? most < 0 || value <= most : rules.option_prefixes.some((prefix) => option.startsWith(prefix));
      if (!allowed) return { node, detail: `a proof may not set the option ${option}` };
    }
    if (!rules.native_decide && kindOfNode.endsWith("ConfigItem") && parts.some((part) => !isBoxed(part) && tag(part) === 3 && name(field(part, 2)) === "native"))
      return { node, detail: "a proof may not use +native" };
    if (kindOfNode === "Lean.Parser.Term.attributes" && leaves(node).join(" ") !== "@[ simp ]") return { node, detail: "a proof may not give attributes" };
    if (/\.(config|valConfigItem)$/.test(kindOfNode) && !isLiteral(node)) return { node, detail: "a proof may not compute a configuration" };
  }
  return null;
}

// The tokens of a syntax tree.
const leaves = (syntax) =>
  [...nodes(syntax)].filter((node) => !isBoxed(node) && tag(node) >= 2).map((node) => (tag(node) === 3 ? name(field(node, 2)) : text(field(node, 1)).trim()));

// Whether an item (name := value) of a configuration has a value of literals, for which Lean runs no program.
function isLiteral(item) {
  const found = [...nodes(item)].filter((node) => !isBoxed(node) && tag(node) >= 2);
  const word = (index) => (found[index] === undefined ? "" : tag(found[index]) === 3 ? name(field(found[index], 2)) : text(field(found[index], 1)).trim());
  if (rules.tactics_in_brackets.includes(word(1))) return true;
  return found.slice(3).every((leaf, place) => {
    const [before, own, after] = [word(place + 2), word(place + 3), word(place + 4)];
    if (tag(leaf) !== 3) return "(){}[],.-:=".includes(own) || /^[0-9]/.test(own);
    return after === ":=" || ["true", "false"].includes(own) || (before === "." && rules.constructors.includes(own));
  });
}

// What a theorem rests on: its own constants, dependencies first, and the axioms.
function dependencies(environment, root) {
  const own = ownConstants(environment);
  const ordered = [], axioms = new Set(), seen = new Set();
  let problem = null;
  const visit = (constant) => {
    if (seen.has(constant)) return;
    seen.add(constant);
    const info = own.get(constant);
    if (info === undefined || base.constants.has(constant)) {
      if (KNOWN_AXIOMS.has(constant)) axioms.add(constant);
      return;
    }
    if (tag(info) !== DEFINITION && tag(info) !== THEOREM) {
      if (tag(info) === AXIOM) axioms.add(constant);
      problem ??= tag(info) === AXIOM ? null : `it declares ${constant}, which is neither a definition nor a theorem`;
      return;
    }
    [...used(typeOf(info)), ...used(valueOf(info))].forEach(visit);
    ordered.push(info);
  };
  visit(root);
  return { ordered, axioms: [...axioms].sort(), problem };
}

// Imported theorems look like axioms in this build, whose files lack the proofs: so the real ones are named.
const KNOWN_AXIOMS = new Set(
  "propext Classical.choice Quot.sound sorryAx Lean.ofReduceBool Lean.ofReduceNat Lean.trustCompiler lcProof lcUnreachable lcAny lcErased".split(" ")
);

function replay(ordered) {
  let environment = base.environment;
  for (const info of ordered) {
    const declaration = constructor(tag(info), [field(info, 0)]);
    const result = keep(call("lean_add_decl", environment, 0, declaration, box(0)));
    if (tag(result) !== 1) return name(field(constantVal(info), 0));
    environment = keep(field(result, 0));
  }
  return null;
}

// A command's kind, of a declaration what it declares.
const kindOf = (command) => (kind(command) === "Lean.Parser.Command.declaration" ? kind(array(field(command, 2))[1]) : kind(command));

// The state after a text of one command, of one of some kinds or a declaration; or what is wrong with it.
function declare(state, source, kinds) {
  const context = inputContext(source);
  const command = parse(context, state, startOfFile());
  let failed = errors(command.messages);
  if (failed.lines.length) return { verdict: "parse_error", ...failed };
  const refusal = forbidden(command.syntax);
  if (refusal) return { verdict: "refused", detail: refusal.detail, lines: lineOf(context, refusal.node) };
  const known = kinds ? kinds.includes(kindOf(command.syntax)) : kind(command.syntax) === "Lean.Parser.Command.declaration";
  if (!known) return { verdict: "refused", detail: "it is not one theorem" };
  const rest = parse(context, state, command.next);
  failed = errors(rest.messages);
  if (kind(rest.syntax) !== "Lean.Parser.Command.eoi" || failed.lines.length) {
    const lines = failed.lines.length ? failed.lines : lineOf(context, rest.syntax);
    return { verdict: failed.lines.length ? "parse_error" : "refused", detail: failed.detail || "something follows the theorem", lines };
  }
  const next = elaborate(context, state, command.syntax);
  failed = errors(commandMessages(next));
  return failed.lines.length ? { verdict: "elaboration_error", ...failed } : { state: next };
}

// The state after a command of our own.
function run(state, source) {
  const context = inputContext(source);
  return elaborate(context, state, parse(context, state, startOfFile()).syntax);
}

const HELPERS = ["theorem", "definition", "abbrev", "open", "set_option"].map((last) => "Lean.Parser.Command." + last);

// The state after the helpers, each in the namespace; the options that they set hold for the theorem too.
function declareAll(space, helpers) {
  if (!helpers.length) return { state: base.state };
  let state = run(base.state, `namespace ${space}\n`);
  for (const helper of helpers) {
    const declared = declare(state, helper, HELPERS);
    if (declared.verdict) return { ...declared, lines: [] };
    state = declared.state;
  }
  const limits = helpers.filter((helper) => helper.startsWith("set_option "));
  return { state: [`end ${space}\n`, ...limits].reduce(run, state) };
}

function check({ name: wanted, signature, source, namespace, helpers }) {
  const statement = trusted(signature, wanted);
  if (statement.failed) return { verdict: "statement_error", detail: statement.failed };
  const before = declareAll(namespace, helpers);
  const declared = before.verdict ? before : declare(before.state, source);
  if (declared.verdict) return declared;
  const state = declared.state;
  const environment = kernelEnvironment(state);
  const info = theorem(environment, wanted);
  if (info === undefined) return { verdict: "refused", detail: `it declares no theorem ${wanted}` };
  if (levelsOf(info) !== levelsOf(statement.info) || !call("lean_expr_eqv", typeOf(info), typeOf(statement.info)))
    return { verdict: "refused", detail: "it proves another statement" };
  const { ordered, axioms, problem } = dependencies(environment, name(field(constantVal(info), 0)));
  const bad = axioms.find((axiom) => !rules.axioms.includes(axiom));
  if (bad) return { verdict: "refused", detail: `it uses the axiom ${userName(bad)}`, facts: { axioms } };
  if (problem) return { verdict: "refused", detail: problem };
  const native = axioms.some((axiom) => rules.native_axioms.includes(axiom));
  const rejected = native ? null : replay(ordered);
  if (rejected) return { verdict: "refused", detail: `the kernel rejects ${userName(rejected)}` };
  return { verdict: "accepted", facts: { axioms, replayed: !native } };
}

function* lines() {
  const chunk = Buffer.alloc(1 << 16);
  let unread = Buffer.alloc(0);
  for (;;) {
    const end = unread.indexOf(10);
    if (end >= 0) {
      yield unread.subarray(0, end).toString("utf8");
      unread = unread.subarray(end + 1);
      continue;
    }
    const count = fs.readSync(0, chunk);
    if (count === 0) return;
    unread = Buffer.concat([unread, chunk.subarray(0, count)]);
  }
}

function main() {
  lean._lean_initialize();
  lean._lean_init_task_manager_using(1);
  lean.FS.mkdir("/oleans");
  lean.FS.mount(lean.NODEFS, { root: oleans }, "/oleans");
  io("l_Lean_initSearchPath", string("/nowhere"), list([string("/oleans")]));
  lean._lean_io_mark_end_initialization();
  for (const line of lines()) {
    const { nonce, ...request } = JSON.parse(line);
    let reply;
    try {
      reply = "header" in request ? start(request) : check(request);
    } catch (error) {
      if (!(error instanceof LeanError)) throw error;
      reply = { verdict: "elaboration_error", detail: error.message.slice(0, LIMIT) };
    }
    lean._fflush(0);
    fs.writeSync(1, JSON.stringify({ nonce, ...reply }) + "\n");
    ready = true;
  }
  process.exit(0);
}

require(leanJs);
