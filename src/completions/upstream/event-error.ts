import { indexOfWord, quotedWord } from '../../call-types/json-string-search.js';
import { isErrorObject, type ReportedError, reportedErrorOf } from './reported-error.js';
import { eventData } from './sse-events.js';

const ERROR = quotedWord('error');
const COLON = 0x3a;
const NULL = 0x6e;

/** Returns the error that one of these complete events reports in place of an answer. Undefined if none does. */
export function errorInEvents(events: Buffer): ReportedError | undefined {
  if (!mentionsError(events)) return undefined;
  for (const data of eventData(events)) {
    const error = errorInData(data);
    if (error) return error;
  }
  return undefined;
}

/** Returns the error that the first of these complete events reports. */
export function errorInFirstEvent(events: Buffer): ReportedError | undefined {
  if (!mentionsError(events)) return undefined;
  for (const data of eventData(events)) return errorInData(data);
  return undefined;
}

function errorInData(data: Buffer): ReportedError | undefined {
  try {
    const value: unknown = JSON.parse(data.toString('utf8'));
    return isErrorObject(value) ? reportedErrorOf(value) : undefined;
  } catch {
    return undefined;
  }
}

/** Returns whether an error may be in these bytes. Streams without one may carry `"error":null`. */
function mentionsError(bytes: Buffer): boolean {
  for (let at = indexOfWord(bytes, ERROR); at >= 0; at = indexOfWord(bytes, ERROR, at)) {
    at += ERROR.length;
    let isName = false;
    for (; bytes[at]! <= 0x20 || bytes[at] === COLON; at++) isName ||= bytes[at] === COLON;
    if (!isName || bytes[at] !== NULL) return true;
  }
  return false;
}
