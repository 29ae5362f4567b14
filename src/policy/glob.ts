/**
 * Does `text` match `pattern` as a whole? Only `*` is special (any run of characters); everything else is
 * itself. Linear: no regular expression, no backtracking blow-up.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  let i = 0;
  while (at < text.length) {
    if (i < pattern.length && pattern[i] === '*') {
      star = i++;
      resume = at;
    } else if (i < pattern.length && pattern[i] === text[at]) {
      i++;
      at++;
    } else if (star >= 0) {
      i = star + 1;
      at = ++resume;
    } else return false;
  }
  while (pattern[i] === '*') i++;
  return i === pattern.length;
}
