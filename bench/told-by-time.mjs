// Measures whether the time of a response reveals what the response hides. Two requests that are refused alike are sent in turn.
import { createHash, randomBytes } from 'node:crypto';
import { Agent, request } from 'undici';
import { table } from './report.mjs';

const agent = new Agent({ connections: 1 });
const hash = (key) => createHash('sha256').update(key).digest('hex');
const random = (length) => randomBytes(length).toString('base64url').slice(0, length);

/** Sends `pairs` requests of each kind. Returns a table in Markdown. */
export async function timesTold(gateway, pairs) {
  const { url, admin, key, master } = gateway;
  await admin('/user/new', { user_id: 'asker', auto_create_key: false });
  await admin('/user/new', { user_id: 'stranger', auto_create_key: false });
  await admin('/team/new', { team_id: 'strangers' });
  const asker = (await admin('/key/generate', { user_id: 'asker' })).key;
  const strangers = hash((await admin('/key/generate', { user_id: 'stranger' })).key);

  const get = (path, as = asker) => ({ method: 'GET', path, as });
  const post = (path, body) => ({ method: 'POST', path, body: JSON.stringify(body), as: asker });
  const missingKey = () => hash(random(22));
  const models = (as) => get('/v1/models', as);
  // Each request names another missing key, because the gateway remembers a missing key for some seconds.
  const QUESTIONS = [
    ['`/key/info`: a stranger’s key, a missing one', () => get(`/key/info?key=${strangers}`), () => get(`/key/info?key=${missingKey()}`)],
    ['`/key/update`', () => post('/key/update', { key: strangers, key_alias: 'x' }), () => post('/key/update', { key: missingKey(), key_alias: 'x' })],
    ['`/key/delete`', () => post('/key/delete', { keys: [strangers] }), () => post('/key/delete', { keys: [missingKey()] })],
    ['`/team/info`', () => get('/team/info?team_id=strangers'), () => get(`/team/info?team_id=${random(9)}`)],
    ['`/user/info`', () => get('/user/info?user_id=stranger'), () => get(`/user/info?user_id=${random(8)}`)],
    ['`/organization/info`', () => get('/organization/info?organization_id=o'), () => get(`/organization/info?organization_id=${random(1)}`)],
    ['a wrong key that begins with 12 right characters, or with none', () => models(key.slice(0, 12) + random(key.length - 12)), () => models(`sk-${random(key.length - 3)}`)],
    ['… with all but the last three right', () => models(key.slice(0, -3) + random(3)), () => models(`sk-${random(key.length - 3)}`)],
    ['a wrong master key with half of it right', () => models(master.slice(0, 10) + random(master.length - 10)), () => models(`sk-${random(master.length - 3)}`)],
    ['… with all but the last three right', () => models(master.slice(0, -3) + random(3)), () => models(`sk-${random(master.length - 3)}`)],
  ]; // prettier-ignore

  async function ask({ method, path, body, as }) {
    const headers = { authorization: `Bearer ${as}`, ...(body && { 'content-type': 'application/json' }) };
    const begun = performance.now();
    const answer = await request(url + path, { method, headers, body, dispatcher: agent });
    await answer.body.text();
    return { ms: performance.now() - begun, status: answer.statusCode };
  }

  const rows = [];
  for (const [name, one, other] of QUESTIONS) {
    const [ones, others, statuses] = [[], [], new Set()];
    for (let i = 0; i < pairs; i++) {
      // The order alternates, because requests that follow each other take similar times.
      for (const [question, times] of i % 2
        ? [
            [one, ones],
            [other, others],
          ]
        : [
            [other, others],
            [one, ones],
          ]) {
        // prettier-ignore
        const { ms, status } = await ask(question());
        times.push(ms);
        statuses.add(status);
      }
    }
    const [a, b] = [trimmed(ones), trimmed(others)];
    rows.push([
      name,
      [...statuses].join(' and '),
      a.median.toFixed(3),
      b.median.toFixed(3),
      (a.median - b.median).toFixed(3),
      ((a.mean - b.mean) / Math.sqrt(a.variance / a.count + b.variance / b.count)).toFixed(1),
    ]);
    console.log(rows.at(-1).join(' | '));
  }
  const columns = ['two questions', 'answered', 'median ms of the one', 'of the other', 'difference', 't'];
  return `## What the time of an answer tells

${pairs} of each, in turn, on one connection; the slowest twentieth of each left out. Goal: no difference of 5 ms; between wrong keys none that can be told from chance (|t| < 2.6).

${table(columns, rows)}`;
}

const KEPT = 0.95;

function trimmed(times) {
  const kept = times.toSorted((a, b) => a - b).slice(0, Math.floor(times.length * KEPT));
  const mean = kept.reduce((sum, one) => sum + one, 0) / kept.length;
  const variance = kept.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (kept.length - 1);
  return { mean, variance, count: kept.length, median: kept[kept.length >> 1] };
}
