/** Sort directions of a list. */
export const SORT_ORDERS = ['asc', 'desc'] as const;
export type SortOrder = (typeof SORT_ORDERS)[number];

/** Returns the SQL keyword of a direction. */
export const sqlOrder = (order: SortOrder) => (order === 'asc' ? 'ASC' : 'DESC');
