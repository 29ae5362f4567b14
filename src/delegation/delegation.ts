import { ForbiddenException, Inject, Injectable, type Type } from '@nestjs/common';
import { acceptedFields } from '../http/unknown-fields.js';
import { Catalogue } from '../models/catalogue.service.js';
import { ADMIN_METADATA } from '../policy/admin-rules.js';
import { firstFieldBeyond, type Strictness, type Entitlements } from '../policy/entitlements.js';

/** Entitlements that limit a change, and the words for their owner: `your key`. */
export interface MakerEntitlements {
  readonly entitlements: Entitlements;
  readonly strictness: Strictness;
  readonly holder: string;
}

/** Checks what a caller who is no proxy admin may pass on: never more than the caller holds. */
@Injectable()
export class DelegationService {
  constructor(@Inject(Catalogue) private readonly catalogue: Pick<Catalogue, 'current'>) {}

  /** Throws 403 naming the first field of a body that the caller may not set and that would change in `view`. */
  requireSettable(dto: object, editable: ReadonlySet<string>, view: object = {}): void {
    const [sent, before] = [dto, view] as Record<string, unknown>[];
    for (const field of acceptedFields(dto.constructor as Type)) {
      if (!editable.has(field) && sent![field] !== undefined && !same(sent![field], before![field]))
        throw new ForbiddenException({ message: `${field} can only be set by a proxy admin`, param: field });
    }
    const [metadata, storedMetadata] = [sent!.metadata ?? {}, before!.metadata ?? {}] as Record<
      string,
      unknown
    >[];
    const forbidden = Object.keys(metadata!).find(
      (name) => ADMIN_METADATA.has(name) && !same(metadata![name], storedMetadata![name]),
    );
    if (forbidden !== undefined) {
      throw new ForbiddenException({
        message: `metadata.${forbidden} can only be set by a proxy admin`,
        param: 'metadata',
      });
    }
  }

  /**
   * Throws 403 naming the first field in which a change gives more than the caller holds. A change that only takes away
   * is always allowed.
   */
  requireWithin(
    requested: Entitlements,
    before: Entitlements | undefined,
    makers: readonly MakerEntitlements[],
  ): void {
    const { namesOf } = this.catalogue.current();
    if (before && firstFieldBeyond(requested, before, 'unchanged', namesOf) === undefined) return;
    for (const { entitlements, strictness, holder } of makers) {
      const field = firstFieldBeyond(requested, entitlements, strictness, namesOf);
      if (field !== undefined)
        throw new ForbiddenException({
          message: `${field} would be more than ${holder} may pass on`,
          param: field,
        });
    }
  }
}

const same = (a: unknown, b: unknown) =>
  (isNothing(a) && isNothing(b)) || JSON.stringify(a) === JSON.stringify(b);

const isNothing = (value: unknown) =>
  value === undefined ||
  value === null ||
  value === '' ||
  value === false ||
  (typeof value === 'object' && Object.keys(value).length === 0);
