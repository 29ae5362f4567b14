#!/usr/bin/env node
// Checks the rules for words (CONTRIBUTING, "Words") that a program can check. Prints each breach and exits with 1 if there is one.
// node scripts/lint-words.mjs [paths]
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';

const root = resolve(import.meta.dirname, '..');

/** A doc comment begins with a verb or a noun, never with one of these. */
const OPENERS =
  /^(?:What|Who|Whom|Whose|Whoever|Whatever|Where|Wherever|Of|Those|Whether|However|That which)\b/;
/** Words to avoid: a comment names the caller, the admin, the replica, the client. */
const NOBODY = /\b(?:whoever|whomever|anew|be it|such as are)\b/i;
/** Metaphors that stay out of the code; the README may use them. */
const METAPHORS = /\b(?:doors?|strangers?|knock(?:s|ed|ing)?|gatekeepers?)\b/i;
/** Participles and pronouns are not names. */
const NAMES = new Set(
  (
    'told held kept made taken given named whose whom ofWhom everyone everybody nobody somebody itself ' +
    'Told Held Kept Made Taken Named Whose'
  ).split(' '),
);

/** Returns the breaches in one file, each with its line. */
export function breachesIn(path, text) {
  const breaches = [];
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const report = (position, problem) =>
    breaches.push(`${source.getLineAndCharacterOfPosition(position).line + 1}: ${problem}`);

  for (const { pos, end } of comments(source, text)) {
    const comment = text.slice(pos, end);
    const words = comment.replace(/^\/\*\*?|^\/\/|\*\/$|^\s*\* ?/gm, '').trim();
    if (comment.startsWith('/**') && OPENERS.test(words))
      report(pos, `a doc comment begins with a verb or a noun, not with '${words.split(/\s/, 1)[0]}'`);
    for (const pattern of [NOBODY, METAPHORS]) {
      const [word] = words.match(pattern) ?? [];
      if (word) report(pos, `a comment uses plain words, not '${word}'`);
    }
  }

  const visit = (node) => {
    if (
      ts.isClassDeclaration(node) &&
      node.name &&
      node.heritageClauses?.some(({ types }) =>
        types.some(({ expression }) => /(?:Error|Exception)$/.test(expression.getText())),
      ) &&
      !/(?:Error|Exception)$/.test(node.name.text)
    )
      report(node.name.pos, `an error's name ends in Error or Exception: ${node.name.text}`);
    const named = /** @type {any} */ (node).name;
    if (
      named &&
      ts.isIdentifier(named) &&
      NAMES.has(named.text) &&
      (ts.isFunctionDeclaration(node) ||
        ts.isVariableDeclaration(node) ||
        ts.isClassDeclaration(node) ||
        ts.isInterfaceDeclaration(node) ||
        ts.isTypeAliasDeclaration(node) ||
        ts.isMethodDeclaration(node) ||
        (ts.isBindingElement(node) && !isShorthand(node)) ||
        ts.isParameter(node) ||
        ts.isPropertyDeclaration(node))
    )
      report(named.pos, `'${named.text}' is not a name: a name is a noun or a verb of the field`);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return breaches;
}

/** Tells whether an element of a pattern has the name of the member it reads. */
const isShorthand = ({ parent, propertyName, dotDotDotToken }) =>
  ts.isObjectBindingPattern(parent) && !propertyName && !dotDotDotToken;

/** Returns the place of every comment. */
function comments(source, text) {
  const found = new Map();
  const collect = (node) => {
    for (const range of ts.getLeadingCommentRanges(text, node.getFullStart()) ?? [])
      found.set(range.pos, range);
    for (const range of ts.getTrailingCommentRanges(text, node.end) ?? []) found.set(range.pos, range);
    ts.forEachChild(node, collect);
  };
  collect(source);
  return [...found.values()];
}

const FOLDERS = ['src', 'test'];
const LEFT_OUT = /src\/database\/migrations\/|\.d\.ts$/;

if (process.argv[1] === import.meta.filename) {
  let count = 0;
  const only = process.argv.slice(2);
  for (const folder of FOLDERS)
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      const path = `${folder}/${name}`;
      if (
        !path.endsWith('.ts') ||
        LEFT_OUT.test(path) ||
        (only.length && !only.some((o) => path.startsWith(o)))
      )
        continue;
      for (const breach of breachesIn(path, readFileSync(join(root, path), 'utf8'))) {
        console.error(`${path}:${breach}`);
        count++;
      }
    }
  if (count) console.error(`${count} breaches of the rules for words (CONTRIBUTING, "Words")`);
  process.exitCode = count ? 1 : 0;
}
