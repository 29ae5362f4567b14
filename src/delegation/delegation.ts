import { ForbiddenException, Inject, Injectable, type Type } from '@nestjs/common';
import { acceptedFields } from '../http/unknown-fields.js';
import { Catalogue } from '../models/catalogue.service.js';
import { ADMIN_METADATA } from '../policy/admin-rules.js';
import { firstFieldBeyond, type Strictness, type Entitlements } from '../policy/entitlements.js';

/** What somebody has to give, and whose it is in words: `your key`. */
export interface MakerEntitlements {
  readonly entitlements: Entitlements;
  readonly strictness: Strictness;
  readonly whose: string;
}

/** Nobody grants what they do not hold. For everyone but proxy admins. */
@Injectable()
export class DelegationService {
  constructor(@Inject(Catalogue) private readonly catalogue: Pick<Catalogue, 'current'>) {}

  /** 403 names the first field of a body that is not theirs to set and would not stay as it is in `view`. */
  requireSettable(dto: object, settable: ReadonlySet<string>, view: object = {}): void {
    const [sent, before] = [dto, view] as Record<string, unknown>[];
    for (const field of acceptedFields(dto.constructor as Type)) {
      if (!settable.has(field) && sent![field] !== undefined && !same(sent![field], before![field]))
        throw new ForbiddenException({ message: `${field} can only be set by a proxy admin`, param: field });
    }
    const [metadata, kept] = [sent!.metadata ?? {}, before!.metadata ?? {}] as Record<string, unknown>[];
    const smuggled = Object.keys(metadata!).find(
      (name) => ADMIN_METADATA.has(name) && !same(metadata![name], kept![name]),
    );
    if (smuggled !== undefined) {
      throw new ForbiddenException({
        message: `metadata.${smuggled} can only be set by a proxy admin`,
        param: 'metadata',
      });
    }
  }

  /** 403 names the first field in which a change gives more than is held. What only takes away is always allowed. */
  requireWithin(
    asked: Entitlements,
    before: Entitlements | undefined,
    held: readonly MakerEntitlements[],
  ): void {
    const { namesOf } = this.catalogue.current();
    if (before && firstFieldBeyond(asked, before, 'before', namesOf) === undefined) return;
    for (const { entitlements, strictness, whose } of held) {
      const field = firstFieldBeyond(asked, entitlements, strictness, namesOf);
      if (field !== undefined)
        throw new ForbiddenException({
          message: `${field} would be more than ${whose} may pass on`,
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
