import { MalformedBodyError } from '../body/json-scanner.js';
import type { Fee } from '../policy/bound.js';
import type { CallBody } from './call-body.js';
import type { ReadMember } from './read-members.js';

/** Says whether a member with this value makes the provider do something it charges for beside tokens. */
type Charges = (value: unknown) => boolean;

const isGiven: Charges = (value) => value !== undefined && value !== null;
const isOn: Charges = (value) => isGiven(value) && value !== false;
const isFilled: Charges = (value) => isGiven(value) && !(Array.isArray(value) && value.length === 0);
const isNotOff: Charges = (value) => isGiven(value) && (value as { mode?: unknown }).mode !== 'off';

/** Members that make some provider search, or run something, for a fee that no token price contains. */
const CHARGING: readonly (readonly [ReadMember, Charges])[] = [
  // OpenAI, Perplexity, OpenRouter
  ['web_search_options', isGiven],
  // xAI
  ['search_parameters', isNotOff],
  // Alibaba
  ['enable_search', isOn],
  ['search_options', isGiven],
  ['enable_code_interpreter', isOn],
  // OpenRouter, MiniMax
  ['plugins', isFilled],
  // Perplexity
  ['media_response', isOn],
  // Groq
  ['compound_custom', isGiven],
  ['search_settings', isGiven],
  // Azure
  ['data_sources', isFilled],
  // Baidu, Venice, Tencent
  ['web_search', isOn],
  ['venice_parameters', isGiven],
  ['enable_enhancement', isOn],
  ['force_search_enhancement', isOn],
]; // prettier-ignore

/** The first thing a body asks for whose price nobody can know beforehand. `tools`: what its tools ask for. */
export function feeOf(body: CallBody, tools: ToolsAsked = toolsAsked(body)): Fee | undefined {
  if (tools.fee) return tools.fee;
  // A look at the names first: reading a value costs more.
  for (const [name, charges] of CHARGING)
    if (body.has(name) && charges(body.value(name))) return { what: `'${name}'`, param: name };
  return undefined;
}

/** A fee as a member of a call's size. */
export const withFee = (fee: Fee | undefined): { readonly fee?: Fee } => (fee ? { fee } : {});

/** What the tools of a call may cost. */
interface ToolsAsked {
  readonly count: number;
  readonly types: readonly (string | undefined)[];
  /** The most web searches they allow; absent where the provider searches none. */
  readonly webSearches?: number;
  readonly fee?: Fee;
}

/** Tools the client or the model runs itself, or that only sort other tools. */
const FREE_TOOLS: ReadonlySet<string | undefined> = new Set([
  'function', 'custom', 'local_shell', 'apply_patch', 'computer', 'computer_use', 'computer_use_preview',
  'tool_search',
]); // prettier-ignore

/** A tool of a call. Its type is a text, where it has one. */
export type Tool = Readonly<Record<string, unknown>> & { readonly type?: string };

/** Names of a tool that is a function of the client's, whether or not its type says so. */
const NAMES_OF_FUNCTIONS: ReadonlySet<string> = new Set([
  'type', 'function', 'name', 'description', 'parameters', 'strict', 'input_schema', 'cache_control', 'defer_loading',
  'allowed_callers', 'input_examples', 'eager_input_streaming',
]); // prettier-ignore
/** Names by which providers call tools of their own, without case and underscores. */
const NAMES_OF_PROVIDERS =
  /search|retrieval|codeexecution|codeinterpreter|urlcontext|googlemaps|webfetch|computeruse|browser|mcp|[^\0-\x7f]/;

/** Does a tool without a type describe a function of the client's, and nothing else? */
export function isUntypedFunction(tool: Tool): boolean {
  const names = Object.keys(tool);
  return (
    tool.type === undefined &&
    ['function', 'input_schema', 'name'].some((name) => names.includes(name)) &&
    names.every((name) => NAMES_OF_FUNCTIONS.has(name))
  );
}

/** Does a tool, whatever its type is, also name one that the provider runs? */
export const namesProviderTool = (tool: Tool): boolean =>
  Object.keys(tool).some(
    (name) =>
      !NAMES_OF_FUNCTIONS.has(name) && NAMES_OF_PROVIDERS.test(name.replaceAll(/[_-]/g, '').toLowerCase()),
  );

function isFreeTool(tool: Tool): boolean {
  const { type } = tool;
  if (namesProviderTool(tool)) return false;
  // A namespace is a list of tools; a shell is the client's own where it says so.
  if (type === 'namespace') return toolList(tool.tools).every(isFreeTool);
  if (type === 'shell') return (tool.environment as { type?: unknown } | null | undefined)?.type === 'local';
  return FREE_TOOLS.has(type) || isUntypedFunction(tool);
}

function toolList(tools: unknown): readonly Tool[] {
  if (tools === undefined || tools === null) return [];
  if (!Array.isArray(tools)) throw noTools();
  return tools.map(toolOf);
}

function toolOf(tool: unknown): Tool {
  if (typeof tool !== 'object' || tool === null || Array.isArray(tool)) throw noTools();
  const { type, ...rest } = tool as Record<string, unknown>;
  if (type === undefined || type === null) return rest;
  if (typeof type !== 'string') throw new MalformedBodyError('The type of a tool must be a text.', 'tools');
  return tool as Tool;
}

const noTools = () => new MalformedBodyError('The tools must be a list of objects.', 'tools');

/** What the tools of one API are. */
export interface ToolRules {
  /** The client runs it, or it costs nothing. */
  readonly isFree: (tool: Tool) => boolean;
  /** The provider searches the web with it: a fee for each search, and how many may be limited. */
  readonly searchesWeb?: (tool: Tool) => boolean;
  /** The most searches that these tools, which search, allow together. */
  readonly mostSearches?: (searching: readonly Tool[], body: CallBody) => number;
}

const OPENAI_TOOLS: ToolRules = { isFree: isFreeTool };

const WEB_SEARCH = /^web_search(?:_preview)?(?:_\d{4}_\d{2}_\d{2})?$/;
const MAX_TOOL_CALLS = 1_000;

/** Web searches a call may run where its client says nothing, and what a budget has the provider told then. */
export const DEFAULT_WEB_SEARCHES = 3;

/** The tools of OpenAI's Responses: one limit for all the provider runs. */
export const RESPONSES_TOOLS: ToolRules = {
  ...OPENAI_TOOLS,
  searchesWeb: ({ type = '' }) => WEB_SEARCH.test(type),
  mostSearches: (_, body) => body.wholeNumber('max_tool_calls', MAX_TOOL_CALLS, 0) ?? DEFAULT_WEB_SEARCHES,
};

/** What the tools of a body ask for. */
export function toolsAsked(body: CallBody, rules = OPENAI_TOOLS): ToolsAsked {
  const { isFree, searchesWeb = () => false, mostSearches } = rules;
  if (!body.has('tools')) return NO_TOOLS;
  const tools = toolList(body.value('tools'));
  const searching = tools.filter(searchesWeb);
  const charged = tools.find((tool) => !isFree(tool) && !searchesWeb(tool));
  return {
    count: tools.length,
    types: tools.map(({ type }) => type),
    ...(searching.length && mostSearches && { webSearches: mostSearches(searching, body) }),
    ...(charged && {
      fee: {
        what: `the tool '${(charged.type ?? Object.keys(charged).join()).slice(0, MAX_TOLD_CHARS)}'`,
        param: 'tools',
      },
    }),
  };
}

const NO_TOOLS: ToolsAsked = { count: 0, types: [] };
const MAX_TOLD_CHARS = 64;
