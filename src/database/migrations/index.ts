import { Founding1763900000000 } from './1763900000000-founding.js';

/** In order. A migration is never edited once released. */
export const migrations = [Founding1763900000000];
