/** Names of query members that hold ids, addresses of people, or keys. */
const HOLDS_ID = /^(?:(?:[a-z_]*_)?ids?|[a-z_]*email|end_user|changed_by|key|api_key)$/;

/**
 * Returns an address in which a `+` in an id stands for itself: `?user_id=a+b@example.com` names that user. Terraform's
 * provider for LiteLLM escapes nothing. Other members are forms, where `+` is a space, unless the value has a bare `@`, which
 * encoders of forms escape. The address is rewritten before it is routed, so the id that is checked is the id that is used.
 */
export function withBarePlus(url: string): string {
  if (!url.includes('+')) return url;
  const at = url.indexOf('?');
  if (at < 0) return url;
  const members = url.slice(at + 1).split('&');
  return `${url.slice(0, at)}?${members.map((member) => (isForm(member) ? member : member.replaceAll('+', '%2B'))).join('&')}`;
}

function isForm(member: string): boolean {
  const [name, value = ''] = member.split('=', 2) as [string, string?];
  return !HOLDS_ID.test(name) && !value.includes('@');
}
