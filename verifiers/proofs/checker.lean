/-
Checks proofs, one JSON request a line on stdin, one JSON reply a line on stdout, until stdin ends.

The first request is `{header, policy}`: the header is elaborated once, and every proof starts from its state. The
others are `{name, signature, source, namespace, helpers}`: `source` must be one theorem, of that name and of the type
that the signature has before the helpers, that uses no syntax, option or axiom against the policy and whose constants
the kernel accepts a second time. `helpers` are theorems and definitions, each a text, for which the same holds, and
what they need set or opened; they are declared in the namespace. Each reply repeats the request's `nonce`. Run as `lean --run checker.lean` by verifiers/proofs/toolchain.py.
-/
import Lean

open Lean Elab

namespace Checker

structure Policy where
  axioms : Array String
  native_axioms : Array String
  native_decide : Bool
  words : Array String
  options : Json
  option_prefixes : Array String
  constructors : Array String
  tactics_in_brackets : Array String

structure Base where
  state : Command.State
  policy : Policy
  /-- Imported constants known to rest on the policy's axioms only. -/
  clean : IO.Ref NameSet
  /-- Trusted statements by their text. -/
  statements : IO.Ref (Std.HashMap String ConstantVal)

structure Reply where
  verdict : String
  detail : String := ""
  lines : Array Nat := #[]
  facts : List (String × Json) := []
  lean : String := ""

def Reply.toJson (reply : Reply) (nonce : String) : Json :=
  Json.mkObj [("nonce", .str nonce), ("verdict", .str reply.verdict), ("detail", .str reply.detail),
    ("lines", .arr (reply.lines.map fun (line : Nat) => Lean.toJson line)), ("facts", Json.mkObj reply.facts),
    ("lean", .str reply.lean)]

def fileName : String := "<proof>"

/-- The lines and the first text of the errors among messages. -/
def errors (messages : MessageLog) : IO (Array Nat × String) := do
  let found := messages.toList.filter (·.severity matches .error)
  let text ← match found with
    | [] => pure ""
    | first :: _ => first.data.toString
  let text := if text.isEmpty && !found.isEmpty then "error" else text
  return ((found.map (·.pos.line)).toArray, toString (text.take 2000))

/-- Parse one command in the scope of a state. -/
def parse (context : Parser.InputContext) (state : Command.State) (start : Parser.ModuleParserState) :
    Syntax × Parser.ModuleParserState × MessageLog :=
  let scope := state.scopes.head!
  let module :=
    { env := state.env, options := scope.opts, currNamespace := scope.currNamespace, openDecls := scope.openDecls }
  Parser.parseCommand context module start {}

def elaborate (context : Parser.InputContext) (state : Command.State) (command : Syntax) : IO Command.State := do
  let start : Frontend.State :=
    { commandState := state, parserState := {}, cmdPos := default, commands := #[] }
  let (_, done) ← ((Frontend.elabCommandAtFrontend command).run { inputCtx := context }).run start
  return done.commandState

/-- The theorem that a state has and its base has not, by the name that a person sees. -/
def theoremOf (base : Environment) (env : Environment) (name : Name) : Option TheoremVal := do
  let candidates := #[name, mkPrivateName env name]
  let found := candidates.filterMap fun candidate =>
    if base.contains candidate then none
    else match env.find? candidate with
      | some (.thmInfo info) => some info
      | _ => none
  if found.size == 1 then found[0]? else none

partial def findNode (syntx : Syntax) (refuse : Syntax → Option String) : Option (Syntax × String) :=
  match refuse syntx with
  | some reason => some (syntx, reason)
  | none => syntx.getArgs.findSome? (findNode · refuse)

partial def firstNat (syntx : Syntax) : Option Nat :=
  match syntx.isNatLit? with
  | some value => some value
  | none => syntx.getArgs.findSome? firstNat

def optionProblem (policy : Policy) (syntx : Syntax) : Option String := do
  let some ident := syntx.getArgs.find? (·.isIdent) | some "a proof may not set an option"
  let option := ident.getId.toString
  let most := (policy.options.getObjValAs? Int option).toOption
  let allowed := match most with
    | some most => most < 0 || (((firstNat syntx).getD 0 : Nat) : Int) ≤ most
    | none => policy.option_prefixes.any (·.isPrefixOf option)
  if allowed then none else some s!"a proof may not set the option {option}"

def lastPart : Name → String
  | .str _ last => last
  | _ => ""

/-- The tokens of a syntax tree, and whether each is a name. -/
partial def leaves : Syntax → Array (Bool × String)
  | .atom _ word => #[(false, toString word.trim)]
  | .ident _ _ name _ => #[(true, name.toString)]
  | .node _ _ parts => parts.foldl (fun found part => found ++ leaves part) #[]
  | .missing => #[]

/-- Whether an item `(name := value)` of a configuration has a value of literals, for which Lean runs no program. -/
def isLiteral (policy : Policy) (item : Syntax) : Bool := Id.run do
  let found := leaves item
  let text (index : Nat) : String := (found.getD index (false, "")).2
  if policy.tactics_in_brackets.contains (text 1) then return true
  for index in [3:found.size] do
    let (isName, word) := found.getD index (false, "")
    let known :=
      if isName then
        text (index + 1) == ":=" || ["true", "false"].contains word
          || (text (index - 1) == "." && policy.constructors.contains word)
      else ["(", ")", "{", "}", "[", "]", ",", ".", "-", ":="].contains word || (word.toList.headD 'x').isDigit
    unless known do return false
  return true

/-- Why a policy refuses a node of a syntax tree. -/
def refusal (policy : Policy) (syntx : Syntax) : Option String :=
  match syntx with
  | .atom _ word =>
    if policy.words.contains (toString word.trim) then some s!"a proof may not use {toString word.trim}" else none
  | .node _ kind parts =>
    if lastPart kind == "set_option" then optionProblem policy syntx
    else if !policy.native_decide && (lastPart kind).endsWith "ConfigItem"
        && parts.any (fun part => part.isIdent && part.getId == `native) then
      some "a proof may not use +native"
    else if kind == ``Parser.Term.attributes && (leaves syntx).map (·.2) != #["@[", "simp", "]"] then
      some "a proof may not give attributes"
    else if ["config", "valConfigItem"].contains (lastPart kind) && !isLiteral policy syntx then
      some "a proof may not compute a configuration"
    else none
  | _ => none

structure Dependencies where
  seen : NameSet := {}
  /-- The theorem's own constants, dependencies first. -/
  ordered : Array ConstantInfo := #[]
  imported : Array Name := #[]
  axioms : Array Name := #[]
  problem : Option String := none

partial def visit (base : Environment) (env : Environment) (clean : NameSet) (name : Name) :
    StateM Dependencies Unit := do
  if (← get).seen.contains name || clean.contains name then return
  modify fun found => { found with seen := found.seen.insert name }
  let some info := env.find? name | return
  if let .axiomInfo _ := info then
    modify fun found => { found with axioms := found.axioms.push name }
  let own := !base.contains name
  unless own do modify fun found => { found with imported := found.imported.push name }
  let accepted := match info with
    | .thmInfo _ => true
    | .defnInfo value => (value.safety matches .safe)
    | .axiomInfo _ => true
    | _ => false
  if own && !accepted then
    modify fun found =>
      { found with problem := some s!"it declares {name}, which is neither a definition nor a theorem" }
  for used in info.getUsedConstantsAsSet do
    visit base env clean used
  if own then modify fun found => { found with ordered := found.ordered.push info }

/-- Give a theorem's own constants to the kernel once more, on top of the base; the name that it rejects. -/
def replay (base : Environment) (constants : Array ConstantInfo) : Option Name := Id.run do
  let mut kernel := base.toKernelEnv
  for info in constants do
    let declaration? := match info with
      | .thmInfo value => some (Declaration.thmDecl value)
      | .defnInfo value => some (Declaration.defnDecl value)
      | _ => none
    let some declaration := declaration? | return some info.name
    match kernel.addDecl {} declaration with
    | .ok next => kernel := next
    | .error _ => return some info.name
  return none

/-- The type of the trusted statement, elaborated once; an error where Lean does not understand it. -/
def trusted (base : Base) (name : Name) (signature : String) : IO (Except String ConstantVal) := do
  if let some found := (← base.statements.get)[signature]? then return .ok found
  let context := Parser.mkInputContext (signature ++ " := by sorry\n") fileName
  let (command, _, messages) := parse context base.state {}
  let (_, unparsed) ← errors messages
  unless unparsed.isEmpty do return .error unparsed
  let state ← elaborate context base.state command
  let (_, failed) ← errors state.messages
  unless failed.isEmpty do return .error failed
  let some found := theoremOf base.state.env state.env name | return .error "it declares no theorem of that name"
  base.statements.modify (·.insert signature found.toConstantVal)
  return .ok found.toConstantVal

def lineOf (context : Parser.InputContext) (syntx : Syntax) : Array Nat :=
  match syntx.getPos? with
  | some place => #[(context.fileMap.toPosition place).line]
  | none => #[]

/-- The checks after elaboration: the statement, the axioms, the kernel. -/
def judge (base : Base) (env : Environment) (name : Name) (statement : ConstantVal) : IO Reply := do
  let some found := theoremOf base.state.env env name
    | return { verdict := "refused", detail := s!"it declares no theorem {name}" }
  if found.levelParams != statement.levelParams || found.type != statement.type then
    return { verdict := "refused", detail := "it proves another statement" }
  let (_, dependencies) := (visit base.state.env env (← base.clean.get) found.name).run {}
  let axioms := dependencies.axioms.map (·.toString)
  let facts (replayed : Bool) := [("axioms", Lean.toJson axioms), ("replayed", Lean.toJson replayed)]
  if let some bad := axioms.find? (!base.policy.axioms.contains ·) then
    return { verdict := "refused", detail := s!"it uses the axiom {bad}", facts := facts false }
  if let some problem := dependencies.problem then
    return { verdict := "refused", detail := problem }
  let native := axioms.any base.policy.native_axioms.contains
  unless native do
    if let some rejected := replay base.state.env dependencies.ordered then
      return { verdict := "refused", detail := s!"the kernel rejects {rejected}" }
  if axioms.isEmpty then
    base.clean.modify fun clean => dependencies.imported.foldl .insert clean
  return { verdict := "accepted", facts := facts (!native) }

/-- A command's kind, of a declaration what it declares. -/
def kindOf (command : Syntax) : Name :=
  if command.getKind == ``Parser.Command.declaration then command[1].getKind else command.getKind

/-- The state after a text of one command, of one of some kinds or a declaration; or what is wrong with it. -/
def declare (base : Base) (state : Command.State) (source : String) (kinds : List Name) :
    IO (Except Reply Command.State) := do
  let context := Parser.mkInputContext source fileName
  let (command, next, messages) := parse context state {}
  let (lines, detail) ← errors messages
  unless lines.isEmpty do return .error { verdict := "parse_error", detail, lines }
  if let some (node, detail) := findNode command (refusal base.policy) then
    return .error { verdict := "refused", detail, lines := lineOf context node }
  unless (if kinds.isEmpty then command.getKind == ``Parser.Command.declaration else kinds.contains (kindOf command)) do
    return .error { verdict := "refused", detail := "it is not one theorem" }
  let (rest, _, messages) := parse context state next
  let (lines, detail) ← errors messages
  unless lines.isEmpty do return .error { verdict := "parse_error", detail, lines }
  unless rest.getKind == ``Parser.Command.eoi do
    return .error { verdict := "refused", detail := "something follows the theorem", lines := lineOf context rest }
  let state ← elaborate context state command
  let (lines, detail) ← errors state.messages
  unless lines.isEmpty do return .error { verdict := "elaboration_error", detail, lines }
  return .ok state

/-- The state after a command of our own. -/
def command (state : Command.State) (source : String) : IO Command.State := do
  let context := Parser.mkInputContext source fileName
  elaborate context state (parse context state {}).1

/-- What may stand before a theorem. -/
def helperKinds : List Name :=
  [``Parser.Command.theorem, ``Parser.Command.definition, ``Parser.Command.abbrev, ``Parser.Command.open,
    ``Parser.Command.set_option]

/-- The state after the helpers, each in the namespace; the options that they set hold for the theorem too. -/
def declareAll (base : Base) (space : String) (helpers : Array String) : IO (Except Reply Command.State) := do
  if helpers.isEmpty then return .ok base.state
  let mut state ← command base.state s!"namespace {space}\n"
  for helper in helpers do
    match ← declare base state helper helperKinds with
    | .ok next => state := next
    | .error reply => return .error { reply with lines := #[] }
  state ← command state s!"end {space}\n"
  for helper in helpers do
    if "set_option ".isPrefixOf helper then state ← command state helper
  return .ok state

def check (base : Base) (name : Name) (signature source space : String) (helpers : Array String) : IO Reply := do
  let statement ← match ← trusted base name signature with
    | .ok statement => pure statement
    | .error detail => return { verdict := "statement_error", detail }
  let state ← match ← declareAll base space helpers with
    | .ok state => pure state
    | .error reply => return reply
  match ← declare base state source [] with
  | .ok state => judge base state.env name statement
  | .error reply => return reply

def readPolicy (json : Json) : Except String Policy := do
  return {
    axioms := ← json.getObjValAs? (Array String) "axioms"
    native_axioms := ← json.getObjValAs? (Array String) "native_axioms"
    native_decide := ← json.getObjValAs? Bool "native_decide"
    words := ← json.getObjValAs? (Array String) "words"
    options := ← json.getObjVal? "options"
    option_prefixes := ← json.getObjValAs? (Array String) "option_prefixes"
    constructors := ← json.getObjValAs? (Array String) "constructors"
    tactics_in_brackets := ← json.getObjValAs? (Array String) "tactics_in_brackets" }

/-- Import and elaborate a header; every command in it must succeed. -/
unsafe def start (request : Json) : IO (Except String Base) := do
  let header ← IO.ofExcept (request.getObjValAs? String "header")
  let policy ← IO.ofExcept (request.getObjVal? "policy" >>= readPolicy)
  let context := Parser.mkInputContext header fileName
  let (imports, parserState, messages) ← Parser.parseHeader context
  let options := Elab.async.set {} false
  let (env, messages) ← processHeader imports options messages context
  let (lines, detail) ← errors messages
  unless lines.isEmpty do return .error detail
  let mut state := Command.mkState env messages options
  let mut parserState := parserState
  repeat
    let (command, next, messages) := parse context state parserState
    let (_, unparsed) ← errors messages
    unless unparsed.isEmpty do return .error unparsed
    if Parser.isTerminalCommand command then break
    state ← elaborate context state command
    let (_, failed) ← errors state.messages
    unless failed.isEmpty do return .error failed
    parserState := next
  return .ok { state, policy, clean := ← IO.mkRef {}, statements := ← IO.mkRef {} }

def answer (request : Json) (base : Base) : IO Reply := do
  let field (name : String) := IO.ofExcept (request.getObjValAs? String name)
  try
    let helpers ← IO.ofExcept (request.getObjValAs? (Array String) "helpers")
    check base (← field "name").toName (← field "signature") (← field "source") (← field "namespace") helpers
  catch error =>
    return { verdict := "elaboration_error", detail := error.toString }

unsafe def serve : IO Unit := do
  let stdin ← IO.getStdin
  let stdout ← IO.getStdout
  let mut base? : Option Base := none
  repeat
    let line ← stdin.getLine
    if line.isEmpty then break
    let request ← IO.ofExcept (Json.parse line)
    let nonce ← IO.ofExcept (request.getObjValAs? String "nonce")
    let reply ← match base? with
      | some base => answer request base
      | none =>
        match ← start request with
        | .ok base =>
          base? := some base
          pure { verdict := "ready", lean := Lean.versionString }
        | .error detail => pure { verdict := "header_error", detail : Reply }
    stdout.putStrLn (reply.toJson nonce).compress
    stdout.flush

end Checker

unsafe def main : IO Unit := do
  initSearchPath (← findSysroot)
  enableInitializersExecution
  Checker.serve
