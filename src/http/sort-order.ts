/** Which way a list is sorted. */
export const SORT_ORDERS = ['asc', 'desc'] as const;
export type SortOrder = (typeof SORT_ORDERS)[number];

/** The same in a database's words. */
export const sqlOrder = (order: SortOrder) => (order === 'asc' ? 'ASC' : 'DESC');
