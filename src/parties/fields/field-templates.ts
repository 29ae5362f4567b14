import type { PassthroughType } from '../passthrough-fields.js';
import type { Field, FieldEditor, NotPassedOn } from './field.js';

/** The most entries of a list or mapping in the body of an admin request, unless a smaller bound is declared. */
export const MAX_ENTRIES = 1_000;
export const MAX_TAGS = 64;

export const LABEL: NotPassedOn = { because: 'a label: it limits and permits nothing' };
export const NO_EFFECT: NotPassedOn = {
  because: 'stored for clients of LiteLLM: nothing here acts on it',
};
export const PLACE: NotPassedOn = {
  because: 'names the party or its owner: the delegation rules of the resource check whose it is',
};

/** A name that identifies a party or its owner. */
export const name = (column: string | null, setBy: FieldEditor): Field => ({
  type: 'text',
  column,
  setBy,
  names: 'one',
  limits: false,
  passedOn: PLACE,
});

/** A text that only people read. */
export const label = (column: string, setBy: FieldEditor): Field => ({
  type: 'text',
  column,
  setBy,
  limits: false,
  passedOn: LABEL,
});

/** A field of LiteLLM that is stored as sent. `more` overrides what is usual. */
export const storedAsSent = (type: PassthroughType, more: Partial<Field> = {}): Field => ({
  type,
  column: 'extra',
  asSent: true,
  setBy: 'proxyAdmin',
  limits: false,
  passedOn: NO_EFFECT,
  ...more,
});

/** A field that blocks the party. It is not inherited, because a blocked party creates nothing. */
export const blocked = (setBy: FieldEditor): Field => ({
  type: 'flag',
  column: 'blocked',
  setBy,
  limits: true,
  passedOn: {
    because: 'a blocked party makes nothing, and only those above it unblock it',
    tries: [false, true],
  },
});
