/**
 * Tells whether `text` matches `pattern` as a whole. Only `*` is special: it stands for any run of characters, also an
 * empty one. The work is linear: each piece between two stars is searched once, behind the piece before it.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  const first = pattern.indexOf('*');
  if (first < 0) return pattern === text;
  const last = pattern.lastIndexOf('*');
  const end = text.length - (pattern.length - last - 1);
  if (end < first || !text.startsWith(pattern.slice(0, first)) || !text.endsWith(pattern.slice(last + 1)))
    return false;
  let at = first;
  for (let star = first; star < last;) {
    const next = pattern.indexOf('*', star + 1);
    const piece = pattern.slice(star + 1, next);
    const found = text.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
    star = next;
  }
  return true;
}

/** Returns what each `*` of a pattern stands for in a text that matches it. An earlier `*` takes as much as it can. */
export function textsOfStars(pattern: string, text: string): string[] {
  const pieces = pattern.split('*');
  let end = text.length - pieces.pop()!.length;
  const texts: string[] = [];
  while (pieces.length) {
    const piece = pieces.pop()!;
    const at = pieces.length ? text.lastIndexOf(piece, end - piece.length) : 0;
    texts.unshift(text.slice(at + piece.length, end));
    end = at;
  }
  return texts;
}
