import { MalformedBodyError } from '../body/json-scanner.js';
import type { Fee } from '../policy/bound.js';
import type { CallBody } from './call-body.js';
import type { ReadMember } from './read-members.js';

/** Returns whether a member with this value makes the provider charge a fee beside tokens. */
type Charges = (value: unknown) => boolean;

const isPresent: Charges = (value) => value !== undefined && value !== null;
const isOn: Charges = (value) => isPresent(value) && value !== false;
const isFilled: Charges = (value) => isPresent(value) && !(Array.isArray(value) && value.length === 0);
const isNotOff: Charges = (value) => isPresent(value) && (value as { mode?: unknown }).mode !== 'off';

/** Members that make a provider search or run something for a fee that no token price contains. */
const CHARGING: readonly (readonly [ReadMember, Charges])[] = [
  // xAI
  ['search_parameters', isNotOff],
  // Alibaba
  ['enable_search', isOn],
  ['search_options', isPresent],
  ['enable_code_interpreter', isOn],
  // OpenRouter, MiniMax
  ['plugins', isFilled],
  // Perplexity
  ['media_response', isOn],
  // Groq
  ['compound_custom', isPresent],
  ['search_settings', isPresent],
  // Azure
  ['data_sources', isFilled],
  // Baidu, Venice, Tencent
  ['web_search', isOn],
  ['venice_parameters', isPresent],
  ['enable_enhancement', isOn],
  ['force_search_enhancement', isOn],
]; // prettier-ignore

/** Returns the first requested feature whose price is not known beforehand. `tools`: the tools of the body. */
export function feeOf(body: CallBody, tools: RequestedTools = requestedTools(body)): Fee | undefined {
  if (tools.fee) return tools.fee;
  // Names are checked first, because reading a value costs more.
  for (const [name, charges] of CHARGING)
    if (body.has(name) && charges(body.value(name))) return { what: `'${name}'`, param: name };
  return undefined;
}

/** Returns a fee as a member of a call's size. */
export const withFee = (fee: Fee | undefined): { readonly fee?: Fee } => (fee ? { fee } : {});

/** The tools that a call requests, and their fees. */
interface RequestedTools {
  readonly count: number;
  readonly types: readonly (string | undefined)[];
  /** Maximum number of web searches that the client allows. Absent if the provider searches none within a limit of the client. */
  readonly webSearches?: number;
  /** Search tools without a limit of the client. */
  readonly uncappedSearchTools?: number;
  readonly fee?: Fee;
}

/** Tools that the client or the model runs, or that only group other tools. */
const FREE_TOOLS: ReadonlySet<string | undefined> = new Set([
  'function', 'custom', 'local_shell', 'apply_patch', 'computer', 'computer_use', 'computer_use_preview',
  'tool_search',
]); // prettier-ignore

/** A tool of a call. Its type is a string, if present. */
export type Tool = Readonly<Record<string, unknown>> & { readonly type?: string };

/** Members of a tool that is the client's function, with or without a type. */
const FUNCTION_MEMBERS: ReadonlySet<string> = new Set([
  'type', 'function', 'name', 'description', 'parameters', 'strict', 'input_schema', 'cache_control', 'defer_loading',
  'allowed_callers', 'input_examples', 'eager_input_streaming',
]); // prettier-ignore
/** Names of tools that providers run, in lower case without underscores. */
const PROVIDER_TOOL_NAMES =
  /search|retrieval|codeexecution|codeinterpreter|urlcontext|googlemaps|webfetch|computeruse|browser|mcp|[^\0-\x7f]/;

/** Returns whether a tool without a type describes only a function of the client. */
export function isUntypedFunction(tool: Tool): boolean {
  const names = Object.keys(tool);
  return (
    tool.type === undefined &&
    ['function', 'input_schema', 'name'].some((name) => names.includes(name)) &&
    names.every((name) => FUNCTION_MEMBERS.has(name))
  );
}

/** Returns whether a tool of any type also names a tool that the provider runs. */
export const namesProviderTool = (tool: Tool): boolean =>
  Object.keys(tool).some(
    (name) =>
      !FUNCTION_MEMBERS.has(name) && PROVIDER_TOOL_NAMES.test(name.replaceAll(/[_-]/g, '').toLowerCase()),
  );

function isFreeTool(tool: Tool): boolean {
  const { type } = tool;
  if (namesProviderTool(tool)) return false;
  // A namespace is a list of tools. A shell runs at the client if its environment is local.
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

/** The rules for the tools of one API. */
export interface ToolRules {
  /** Returns whether the client runs the tool or the tool costs nothing. */
  readonly isFree: (tool: Tool) => boolean;
  /** Returns whether the provider searches the web with the tool, for a fee for each search. */
  readonly searchesWeb?: (tool: Tool) => boolean;
  /** Returns the number of searches that the client allows for each limit it names. Undefined: it names none for a tool. */
  readonly searchLimits?: (searching: readonly Tool[], body: CallBody) => readonly (number | undefined)[];
}

const OPENAI_TOOLS: ToolRules = { isFree: isFreeTool };

const WEB_SEARCH = /^web_search(?:_preview)?(?:_\d{4}_\d{2}_\d{2})?$/;
const MAX_TOOL_CALLS = 1_000;

/** The tools of OpenAI's Responses. One limit counts for all tools that the provider runs. */
export const RESPONSES_TOOLS: ToolRules = {
  ...OPENAI_TOOLS,
  searchesWeb: ({ type = '' }) => WEB_SEARCH.test(type),
  searchLimits: (_, body) => [body.wholeNumber('max_tool_calls', MAX_TOOL_CALLS, 0)],
};

/** Returns the tools that a body requests. */
export function requestedTools(body: CallBody, rules = OPENAI_TOOLS): RequestedTools {
  const { isFree, searchesWeb = () => false, searchLimits } = rules;
  if (!body.has('tools')) return NO_TOOLS;
  const tools = toolList(body.value('tools'));
  const searching = tools.filter(searchesWeb);
  const searches = searching.length && searchLimits ? searchLimits(searching, body) : [];
  const webSearches = searches.reduce<number>((sum, limit) => sum + (limit ?? 0), 0);
  const uncappedSearchTools = searches.filter((limit) => limit === undefined).length;
  const charged = tools.find((tool) => !isFree(tool) && !searchesWeb(tool));
  return {
    count: tools.length,
    types: tools.map(({ type }) => type),
    ...(webSearches && { webSearches }),
    ...(uncappedSearchTools && { uncappedSearchTools }),
    ...(charged && {
      fee: {
        what: `the tool '${(charged.type ?? Object.keys(charged).join()).slice(0, MAX_SHOWN_CHARS)}'`,
        param: 'tools',
      },
    }),
  };
}

const NO_TOOLS: RequestedTools = { count: 0, types: [] };
const MAX_SHOWN_CHARS = 64;
