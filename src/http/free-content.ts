const free = new Set<string>();

/**
 * Marks a DTO field with free content of the client, such as `metadata`. Its strings are no names: they may be long and have
 * any character. A field of this name is free on every admin route.
 */
export const FreeContent = (): PropertyDecorator => (_, property) => void free.add(String(property));

/** Marks fields that have no decorator. */
export const addFreeContent = (fields: readonly string[]): void => fields.forEach((field) => free.add(field));

/** The names of the free fields of all loaded DTOs. */
export const freeContent: ReadonlySet<string> = free;

const freeNames = new WeakSet<object>();

/** Marks a DTO that is a mapping: the client chooses the names of its fields. */
export const FreeNames = (): ClassDecorator => (dto) => void freeNames.add(dto);

export const hasFreeNames = (dto: object): boolean => freeNames.has(dto);

const lookUps = new WeakSet<object>();

/** Marks a DTO whose strings are only compared with stored ones. Rows with odd names can still be found and deleted. */
export const OnlyLooksUp = (): ClassDecorator => (dto) => void lookUps.add(dto);

export const onlyLooksUp = (dto: object): boolean => lookUps.has(dto);
