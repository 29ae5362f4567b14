import { type JsonMember, objectsIn, scanJsonObject, type Watch } from '../../body/json-scanner.js';
import type { ChatRenames } from '../../config/chat-renames.js';

const NOTHING_WATCHED: Watch = { names: new Set(), below: new Map(), free: new Set() };
const DEVELOPER = Buffer.from('"developer"');

/** Adds the renames of a chat's members, and of the role `developer`, to its edits. All other bytes stay. */
export function renameInChat(
  bytes: Buffer,
  members: ReadonlyMap<string, JsonMember>,
  renames: ChatRenames,
  edits: Map<string, string | null>,
): void {
  for (const [from, to] of renames.members) {
    const member = members.get(from);
    if (!member || edits.has(from)) continue;
    edits.set(from, null);
    if (to !== null && !members.has(to))
      edits.set(to, bytes.toString('utf8', member.valueStart, member.valueEnd));
  }
  if (!renames.hasNoDeveloper || !bytes.includes(DEVELOPER)) return;
  const messages = members.get('messages');
  const edited = messages && withSystemRoles(bytes, messages);
  if (edited !== undefined) edits.set('messages', edited);
}

/** Returns the messages with `system` for each role `developer`. Undefined if there is none. */
function withSystemRoles(bytes: Buffer, messages: JsonMember): string | undefined {
  const parts: string[] = [];
  let copiedTo = messages.valueStart;
  for (const { valueStart, valueEnd } of objectsIn(bytes, messages)) {
    const message = bytes.subarray(valueStart, valueEnd);
    if (!message.includes(DEVELOPER)) continue;
    const role = scanJsonObject(message, NOTHING_WATCHED).members.get('role');
    if (!role || !message.subarray(role.valueStart, role.valueEnd).equals(DEVELOPER)) continue;
    parts.push(bytes.toString('utf8', copiedTo, valueStart + role.valueStart), '"system"');
    copiedTo = valueStart + role.valueEnd;
  }
  if (!parts.length) return undefined;
  parts.push(bytes.toString('utf8', copiedTo, messages.valueEnd));
  return parts.join('');
}
