import { describe, expect, it } from 'vitest';
import { chatCompletion } from '../call-types/chat-completion.js';
import { embedding } from '../call-types/embedding.js';
import { textCompletion } from '../call-types/text-completion.js';
import { type LlmRequestContext, readLlmRequest, type ReadingSettings } from './llm-request.js';

const settings: ReadingSettings = { endUserHeaders: [], refusesTags: false, wantedParams: [] };
const context = (some: Partial<LlmRequestContext> = {}): LlmRequestContext => ({
  kind: chatCompletion,
  headers: {},
  query: '',
  settings,
  ...some,
});
const read = (body: unknown, some?: Partial<LlmRequestContext>) =>
  readLlmRequest(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), context(some));
const chat = (some: object = {}) => ({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...some });

describe('what a call asks for', () => {
  it('is read off a few members', () => {
    const { problem, ...request } = read(chat({ stream: true, stream_options: { include_usage: true }, max_tokens: 7, n: 2, user: 'u' })); // prettier-ignore
    expect(problem).toBeUndefined();
    expect(request).toMatchObject({
      model: 'm',
      stream: true,
      includeUsage: true,
      endUserId: 'u',
      size: { outputTokens: 7, copies: 2, hasMedia: false, generates: true },
    });
  });

  it('has the larger of two output limits as its bound, because nobody knows which one counts upstream', () => {
    expect(read(chat({ max_tokens: 5, max_completion_tokens: 9 })).size.outputTokens).toBe(9);
  });

  it('counts only what becomes prompt', () => {
    const plain = read(chat()).size.inputBytes;
    expect(read(chat({ user: 'x'.repeat(500), metadata: { a: 'y'.repeat(500) } })).size.inputBytes).toBeLessThan(plain + 10); // prettier-ignore
    expect(read(chat({ tools: [{ type: 'function', function: { name: 'z'.repeat(500) } }] })).size.inputBytes).toBeGreaterThan(plain + 500); // prettier-ignore
  });

  it.each<[string, object]>([
    ['text', { type: 'text', text: 'a', uuid: 'u' }],
    ['nothing', {}],
  ])('holds media by the name of a member, beside %s', (_, part) => {
    for (const name of [
      'audio_url',
      'video_url',
      'image_pil',
      'image_embeds',
      'audio_embeds',
      'video_embeds',
      'prompt_embeds',
    ]) {
      const content = [{ ...part, [name]: { url: 'http://x' } }];
      expect(read(chat({ messages: [{ role: 'user', content }] })).size, name).toMatchObject({
        hasMedia: true,
      });
    }
  });

  it('holds what a template makes of it', () => {
    const hasMedia = (chat_template_kwargs: object) => read(chat({ chat_template_kwargs })).size.hasMedia;
    expect([hasMedia({ chat_template: '{{ x }}' }), hasMedia({ enable_thinking: true })]).toEqual([
      true,
      false,
    ]);
  });

  it.each([
    [{}, undefined, undefined],
    [{ thinking: { type: 'disabled' } }, undefined, undefined],
    [{ reasoning_effort: 'none' }, undefined, undefined],
    [{ reasoning_effort: 'low' }, true, undefined],
    [{ thinking: { type: 'enabled', budget_tokens: 5 } }, true, undefined],
    [{ enable_thinking: true, thinking_budget: 70 }, true, 70],
    [{ thinking_budget: 70 }, true, 70],
  ])('says whether thoughts are asked for: %j', (more, thinks, thoughtTokens) => {
    const { size } = read(chat(more));
    expect([size.thinks, size.thoughtTokens]).toEqual([thinks, thoughtTokens]);
  });

  it('says how much of an answer it predicts', () => {
    const prediction = { type: 'content', content: 'x'.repeat(1_000) };
    expect(read(chat({ prediction })).size.predictedBytes).toBe(JSON.stringify(prediction).length);
  });

  it.each(['safety_model', 'draft_model', 'lora_path', 'adapter_id'])('names no other model: %s', (name) => {
    expect(read(chat({ [name]: 'other' })).problem).toMatchObject({ param: name });
  });

  it('holds media wherever a message holds it', () => {
    const content = (part: object) => chat({ messages: [{ role: 'user', content: [part] }] });
    expect(read(content({ type: 'image_url', image_url: { url: 'http://x' } })).size.hasMedia).toBe(true);
    expect(read(content({ type: 'input_audio', input_audio: {} })).size.hasMedia).toBe(true);
    expect(read(content({ type: 'text', Image_URL: { url: 'http://x' } })).size.hasMedia).toBe(true);
    expect(read(content({ Type: 'video_url' })).size.hasMedia).toBe(true);
    expect(read(content({ type: 'text', text: '"image_url":' })).size.hasMedia).toBe(false);
  });
});

describe('images', () => {
  const parts = (...content: object[]) =>
    read(chat({ messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }, ...content] }] })).size;
  const url = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'high' } };
  const source = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } };

  it.each<[string, object[], number]>([
    ['one', [url], 1],
    ['several', [url, url, source], 3],
    ['by an id', [{ type: 'input_image', file_id: 'file-1' }], 1],
    ['by an address alone', [{ type: 'input_image', image_url: 'http://x' }], 1],
    ['of an id at Anthropic', [{ type: 'image', source: { type: 'file', file_id: 'f' } }], 1],
    ['without a type', [{ image_url: { url: 'http://x' } }], 1],
    ['in a part that carries two', [{ ...url, source: { type: 'url', url: 'http://x' } }], 2],
    ['one inside the other', [{ type: 'image_url', image_url: { image_url: { url: 'http://x' } } }], 2],
    ['that are announced, and not there', [{ type: 'image_url' }], 1],
    ['a tool saw', [{ type: 'tool_result', tool_use_id: 't', content: [source] }], 1],
    [
      'of a screen',
      [{ type: 'computer_call_output', output: { type: 'computer_screenshot', image_url: 'http://x' } }],
      1,
    ],
  ])('are counted: %s', (_, content, count) =>
    expect(parts(...content)).toMatchObject({ hasMedia: true, images: { count } }),
  );

  it.each<[string, object[]]>([
    ['a document', [{ ...source, type: 'document' }]],
    ['a file beside one', [url, { type: 'file', file: { file_id: 'f' } }]],
    ['sound', [{ type: 'input_audio', input_audio: {} }]],
    ['sound in an image', [{ ...url, input_audio: {} }]],
    ['an image that calls itself a text', [{ ...url, type: 'text' }]],
    ['a list of them', [{ type: 'image_url', image_url: [{ url: 'http://x' }] }]],
    ['something new', [{ type: 'hologram' }]],
    ['a source of nothing', [{ type: 'text', x: { type: 'base64', data: 'AAAA' } }]],
    ['a source without a type', [{ source: { type: 'base64', data: 'AAAA' } }]],
    ['frames of a video', [{ type: 'video', video: ['http://x'] }]],
  ])('are not all there is: %s', (_, content) => {
    expect(parts(...content).hasMedia).toBe(true);
    expect(parts(...content).images).toBeUndefined();
  });

  it('named twice in one part are not all there is', () => {
    const body = JSON.stringify(chat({ messages: [{ role: 'user', content: [url] }] }));
    expect(
      read(body.replace('"type":"image_url"', '"type":"text","type":"image_url"')).size.images,
    ).toBeUndefined();
  });

  it('take no bytes of the prompt', () => {
    const image = { ...url, image_url: { url: `data:image/png;base64,${'A'.repeat(1_000)}` } };
    expect(parts(image).images!.bytes).toBe(JSON.stringify(image.image_url).length);
  });
});

describe('sound', () => {
  const heard = (part: object) =>
    read(chat({ messages: [{ role: 'user', content: [part] }] })).size.hearsSound;
  it('is in a prompt', () => {
    expect(heard({ type: 'input_audio', input_audio: { data: '' } })).toBe(true);
    expect(heard({ type: 'audio_url', audio_url: {} })).toBe(true);
    expect(heard({ type: 'image_url', image_url: {} })).toBeUndefined();
  });
  it('is asked for', () => {
    expect(read(chat({ modalities: ['text', 'audio'] })).size.speaks).toBe(true);
    expect(read(chat({ audio: { voice: 'alloy' } })).size.speaks).toBe(true);
    expect(read(chat({ modalities: ['Audio'] })).size.speaks).toBe(true);
    expect(read(chat({ modalities: ['text', 'image'], audio: null })).size.speaks).toBeUndefined();
    expect(read(chat({ modalities: null })).size.speaks).toBeUndefined();
  });
});

describe('prompts', () => {
  const long = 'x'.repeat(64);
  it.each<[unknown, number]>([
    ['a', 1],
    [[], 1],
    [[1, 2, 3], 1],
    [['a', 'b'], 2],
    [[[1, 2], [3]], 2],
    [[1, ...Array<string>(64).fill(long)], 65],
    [[1.5, 2], 2],
    [[['a', 'b', 'c']], 3],
  ])('of %j are %i', (prompt, prompts) => {
    expect(read({ model: 'm', prompt }, { kind: textCompletion }).size.prompts).toBe(prompts);
    expect(read({ model: 'm', input: prompt }, { kind: embedding }).size.prompts).toBe(prompts);
  });
});

describe('tags', () => {
  it('are named in four places, each once', () => {
    const body = chat({
      tags: ['b', 'a'],
      metadata: { tags: ['a', 'c'] },
      litellm_metadata: { tags: ['d'] },
    });
    expect(read(body, { headers: { 'x-litellm-tags': 'c, e,,f ' } }).tags).toEqual([
      'b',
      'a',
      'c',
      'd',
      'e',
      'f',
    ]);
    expect(read(chat({ tags: null, metadata: null })).tags).toEqual([]);
  });

  it.each<[object, string, Record<string, string>?]>([
    [{ tags: [] }, 'tags'],
    [{ metadata: { tags: ['a'] } }, 'metadata.tags'],
    [{ litellm_metadata: { tags: ['a'] } }, 'litellm_metadata.tags'],
    [{}, 'x-litellm-tags', { 'x-litellm-tags': 'a' }],
  ])('of a request are refused where only keys may have some: %o', (some, param, headers = {}) => {
    expect(read(chat(some), { headers, settings: { ...settings, refusesTags: true } }).problem).toMatchObject(
      { param },
    );
    expect(read(chat(some), { headers }).problem).toBeUndefined();
  });
});

describe('what is refused, naming the member', () => {
  it.each([
    ['no JSON', '{', null],
    ['not an object', '[]', null],
    ['a member given twice', '{"model":"a","model":"b"}', 'model'],
    ['… in another spelling', '{"model":"a","mod\\u0065l":"b"}', 'model'],
    ['… in another case', chat({ MODEL: 'b' }), 'MODEL'],
    ['… in letters that look alike', '{"model":"a","ｍodel":"b"}', 'ｍodel'],
    ['what is read, in another case alone', chat({ max_toKens: 5 }), 'max_toKens'],
    ['… with a long s', '{"model":"a","\\u017ftream":true}', 'ſtream'],
    ['… with a Kelvin sign', '{"model":"a","max_to\\u212aens":1}', 'max_to\u212aens'],
    ['what nobody reads, in two cases', chat({ top_p: 1, Top_P: 0 }), 'Top_P'],
    ['models to choose from', chat({ models: ['vendor/dear'] }), 'models'],
    ['… in another case', chat({ Models: ['vendor/dear'] }), 'Models'],
    ['a way to choose one', chat({ route: 'fallback' }), 'route'],
    ['a provider to choose', chat({ provider: { order: ['x'] } }), 'provider'],
    ['a preset', chat({ preset: 'p' }), 'preset'],
    [
      'models for another gateway',
      chat({ providerOptions: { gateway: { models: ['x'] } } }),
      'providerOptions',
    ],
    ['an address in another case', chat({ API_BASE: 'http://x' }), 'API_BASE'],
    ['… deep down', chat({ metadata: { Api_Base: 'http://x' } }), 'api_base'],
    ['… with a long s, not escaped', '{"model":"m","metadata":{"api_baſe":"http://x"}}', 'api_base'],
    ['… with a Kelvin sign', '{"model":"m","metadata":{"api_Key":"http://x"}}', 'api_key'],
    ['… escaped', '{"model":"m","metadata":{"api_\\u212aey":"http://x"}}', 'api_key'],
    ['… at the start', '{"model":"m","metadata":{"ſ3_endpoint_url":"http://x"}}', 's3_endpoint_url'],
    [
      'a name longer than any',
      chat({ [`a${'\u0301\u0316'.repeat(80_000)}`]: 1 }),
      `a${'\u0301\u0316'.repeat(40)}`.slice(0, 64),
    ],
    [
      'another gateway in another case',
      chat({ providerOptions: { Gateway: { models: ['x'] } } }),
      'providerOptions',
    ],
    ['… in wide letters', chat({ providerOptions: { ｇateway: { models: ['x'] } } }), 'providerOptions'],
    ['… in a list', chat({ providerOptions: [{ gateway: { models: ['x'] } }] }), 'providerOptions'],
    ['… in a text', chat({ providerOptions: '{"gateway":{}}' }), 'providerOptions'],
    ['a tool with two types', '{"model":"m","tools":[{"type":"web_search","type":"function"}]}', 'tools'],
    ['… in two cases', '{"model":"m","tools":[{"type":"function","Type":"web_search"}]}', 'tools'],
    [
      '… inside a namespace',
      '{"model":"m","tools":[{"type":"namespace","tools":[{"type":"mcp","type":"function"}]}]}',
      'tools',
    ],
    [
      'a search that is on and off',
      '{"model":"m","search_parameters":{"mode":"on","mode":"off"}}',
      'search_parameters',
    ],
    [
      'a compaction hidden behind an empty list',
      '{"model":"m","context_management":{"edits":[{"type":"compact_1"}],"edits":[]}}',
      'context_management',
    ],
    ['a service tier in a list', chat({ service_tier: ['priority'] }), 'service_tier'],
    ['modalities in a text', chat({ modalities: 'audio' }), 'modalities'],
    ['… in an object', chat({ modalities: [{ audio: 1 }] }), 'modalities'],
    ['an answer that is deferred', chat({ deferred: true }), 'deferred'],
    ['a model that is no name', chat({ model: 5 }), 'model'],
    ['a model too long to be one', chat({ model: 'x'.repeat(513) }), 'model'],
    ['a model with a control character', chat({ model: 'm\u0000' }), 'model'],
    ['a user that is no text', chat({ user: { id: 1 } }), 'user'],
    ['a user with a control character', chat({ user: 'a\u0000b' }), 'user'],
    ['a user that has no UTF-8', `{"model":"m","user":"\\ud800"}`, 'user'],
    ['a user too long', chat({ user: 'x'.repeat(1_025) }), 'user'],
    ['a limit that is none', chat({ max_tokens: '5' }), 'max_tokens'],
    ['… negative', chat({ max_tokens: -5 }), 'max_tokens'],
    ['… zero', chat({ max_completion_tokens: 0 }), 'max_completion_tokens'],
    ['… a fraction', chat({ max_tokens: 1.5 }), 'max_tokens'],
    ['… enormous', chat({ max_tokens: 1e300 }), 'max_tokens'],
    ['too many copies', chat({ n: 1_000 }), 'n'],
    ['a stream that is neither', chat({ stream: 'true' }), 'stream'],
  ])('%s', (_, body, param) => {
    expect(read(body).problem).toMatchObject({ param, message: expect.any(String) });
  });

  it.each([
    'api_base',
    'base_url',
    'api_key',
    'extra_headers',
    'model_list',
    'user_config',
    'litellm_params',
    'aws_secret_access_key',
  ])('%s, wherever it hides', (name) => {
    const canary = { [name]: 'http://canary' };
    for (const body of [
      chat(canary),
      chat({ metadata: canary }),
      chat({ litellm_metadata: { deep: [canary] } }),
      chat({ extra_body: canary }),
    ])
      // prettier-ignore
      expect(read(body).problem).toMatchObject({ message: expect.stringContaining('not allowed') });
    expect(read(chat(), { query: `${name}=x` }).problem).toMatchObject({ param: name });
  });

  it('names of more than 128 bytes, also in a query', () => {
    const name = 'é'.repeat(65);
    expect(read(chat(), { query: `${encodeURIComponent(name)}=x` }).problem).toMatchObject({
      param: name.slice(0, 64),
    });
  });

  it('but the parameters of a tool may differ in case alone', () => {
    const parameters = { type: 'object', properties: { id: {}, ID: {}, type: { type: 'string' } } };
    const tools = [
      { type: 'function', function: { name: 'f', parameters } },
      { type: 'function', function: { name: 'g', parameters } },
    ];
    expect(read(chat({ tools })).problem).toBeUndefined();
  });

  it('but a tool may have a parameter of that name', () => {
    const tool = { type: 'function', function: { name: 'f', parameters: { properties: { api_key: { type: 'string' } } } } };
    expect(read(chat({ tools: [tool] })).problem).toBeUndefined();
  }); // prettier-ignore

  it('a header that names another host', () => {
    expect(read(chat(), { headers: { 'x-litellm-api-base': 'http://canary' } }).problem).toBeDefined();
  });
});

describe('the model', () => {
  it.each([{}, { model: 'p' }, { model: 'b' }, { model: null }, { model: '' }, { model: 5 }])(
    'is the path’s where that decides, whatever a body of %j says',
    (body) => expect(read(body, { pathModel: 'p', pathDecides: true })).toMatchObject({ model: 'p' }),
  );

  it.each([
    [{}, { pathModel: 'p' }, 'p'],
    [{ model: 'p' }, { pathModel: 'p' }, 'p'],
    [{ model: 'b' }, {}, 'b'],
    [{ model: 'b' }, { query: 'model=b' }, 'b'],
  ])('%o with %o is %s', (body, where, model) => expect(read(body, where)).toMatchObject({ model }));

  it.each([
    [{ model: 'b' }, { pathModel: 'p' }],
    [{ model: 'b' }, { query: 'model=q' }],
    [{ model: 'b' }, { query: 'model=b&model=q' }],
    [{ model: 'p' }, { pathModel: 'p', pathDecides: true, query: 'model=q' }],
    [{ model: null }, { pathModel: 'p' }],
    [{ model: '' }, { pathModel: 'p' }],
  ])('%o with %o is two models', (body, where) =>
    expect(read(body, where).problem).toMatchObject({ param: 'model' }),
  );
});

describe('the end user', () => {
  it.each([
    [chat({ user: 'u' }), {}, 'u'],
    [chat({ user: 'u' }), { headers: { 'x-litellm-end-user-id': 'h' } }, 'h'],
    [
      chat({ user: 'u' }),
      { headers: { 'x-app-user': 'mine' }, settings: { ...settings, endUserHeaders: ['x-app-user'] } },
      'mine',
    ],
    [chat({}), { headers: { 'x-litellm-customer-id': 'J\u00c3\u00bcrgen' } }, 'Jürgen'],
    [chat({}), { headers: { 'x-litellm-customer-id': 'J\u00fcrgen' } }, 'Jürgen'],
    [chat({ metadata: { user_id: '{"account_uuid":"a","session_id":"s"}' } }), {}, 'a'],
    [chat({ metadata: { user_id: '{"device_id":"d","account_uuid":""}' } }), {}, 'd'],
    [chat({ metadata: { user_id: '{"broken"' } }), {}, '{"broken"'],
    [chat({ metadata: { user_id: 'm' } }), {}, 'm'],
    [chat({ litellm_metadata: { user: 'l' } }), {}, 'l'],
    [chat({ safety_identifier: 's' }), {}, 's'],
    [chat({ user: '' }), {}, undefined],
    [chat({ user: 42 }), {}, '42'],
    [chat({ user: '', metadata: { user_id: 7 } }), {}, '7'],
    [chat({ litellm_metadata: { user: 0 } }), {}, '0'],
    [chat({ metadata: { user_id: { id: 'x' } }, safety_identifier: true }), {}, undefined],
  ])('case %#', (body, where, id) => expect(read(body, where).endUserId).toBe(id));
});

it.each([4.5, true, ['x'], { id: 'x' }, 1e21])('the user %j is none', (user) =>
  expect(read(chat({ user })).problem).toMatchObject({ param: 'user' }),
);

describe('fallbacks', () => {
  it.each([
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    [[{ model: 'a' }], ['a']],
    [[{ m: ['a', 'b'] }], ['a', 'b']],
    ['a', ['a']],
    [null, []],
    [[{ other: 1 }], []],
  ])('%j names %j', (fallbacks, models) => expect(read(chat({ fallbacks })).allFallbacks).toEqual(models));

  it('of every kind are checked, but only `fallbacks` are tried', () => {
    const { allFallbacks: namedFallbacks, fallbacks } = read(
      chat({
        fallbacks: ['a'],
        context_window_fallbacks: [{ m: ['b'] }],
        router_settings_override: { content_policy_fallbacks: [{ m: ['c'] }] },
        metadata: { fallbacks: ['d'] },
      }),
    );
    expect([fallbacks, namedFallbacks]).toEqual([['a'], ['a', 'b', 'c', 'd']]);
  });
});
