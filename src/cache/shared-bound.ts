/**
 * Bounds several maps together: once they hold more than `maxSize` values, the oldest value is dropped, in whichever
 * map.
 */
export class SharedBound<V extends object> {
  private readonly places = new Map<V, { readonly map: Map<string, V>; readonly key: string }>();

  constructor(private readonly maxSize: number) {}

  set(map: Map<string, V>, key: string, value: V): void {
    const before = map.get(key);
    if (before) this.places.delete(before);
    map.set(key, value);
    this.places.set(value, { map, key });
    if (this.places.size > this.maxSize) this.evictOldest();
  }

  private evictOldest(): void {
    const [value, { map, key }] = this.places.entries().next().value!;
    this.places.delete(value);
    if (map.get(key) === value) map.delete(key);
  }
}
