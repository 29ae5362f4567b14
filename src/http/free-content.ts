const free = new Set<string>();

/**
 * Marks a DTO field that holds what a client keeps or asks about, such as `metadata`. Its texts are no names: they may be
 * long and hold any character. A field of this name is free on every admin route.
 */
export const FreeContent = (): PropertyDecorator => (_, property) => void free.add(String(property));

/** Marks fields that have no decorator of their own. */
export const addFreeContent = (fields: readonly string[]): void => fields.forEach((field) => free.add(field));

/** The names of free fields, of every DTO that was loaded. */
export const freeContent: ReadonlySet<string> = free;

const lookUps = new WeakSet<object>();

/** Marks a DTO whose texts are only compared with stored ones, so that rows with odd names can still be found and deleted. */
export const OnlyLooksUp = (): ClassDecorator => (dto) => void lookUps.add(dto);

export const onlyLooksUp = (dto: object): boolean => lookUps.has(dto);
