import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { concatMap, type Observable } from 'rxjs';
import { windowAt } from '../calendar/windows.js';
import { CLOCK, type Clock } from '../platform/clock.js';
import { CONFIG, type Config } from '../config/config.js';
import { nanoUsd, usdFromNanoUsd } from '../policy/money.js';
import { type AccountSpec, lifetimeAccount, windowAccount } from '../ledger/account.js';
import { Accounts } from '../ledger/accounts.js';
import { type FigurePlaceholder, figurePlaceholder } from '../parties/spend-placeholders.js';

/** Fills current figures into views before they go out: spend, and when a budget resets. */
@Injectable()
export class CurrentSpendInterceptor implements NestInterceptor {
  constructor(
    private readonly accounts: Accounts,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(concatMap((view) => this.withFigures(view)));
  }

  private async withFigures(view: unknown): Promise<unknown> {
    const figures = figuresIn(view);
    if (!figures.length) return view;
    const now = this.clock();
    const spent = await this.spentOn(
      figures.filter(({ figure }) => figure === 'spend').map((figure) => this.account(figure, now)),
    );
    return filled(view, (figure) =>
      figure.figure === 'spend'
        ? usdFromNanoUsd(nanoUsd(spent.get(this.account(figure, now).id) ?? 0n))
        : this.window(figure, now).end.toISOString(),
    );
  }

  /** Returns the committed spend: a call in flight counts once it is settled. */
  private async spentOn(accounts: readonly AccountSpec[]): Promise<ReadonlyMap<string, bigint>> {
    return accounts.length ? this.accounts.spentOn(accounts) : new Map();
  }

  private account({ kind, id, duration, anchorMs, sinceMs }: FigurePlaceholder, now: Date): AccountSpec {
    if (duration === null) return lifetimeAccount(kind, id);
    const rule = { duration, anchor: new Date(anchorMs ?? 0), since: new Date(sinceMs ?? 0) };
    return windowAccount(kind, id, rule, this.config.litellm.timezone, now);
  }

  private window({ duration, anchorMs }: FigurePlaceholder, now: Date) {
    return windowAt(
      { duration: duration!, anchor: new Date(anchorMs ?? 0) },
      this.config.litellm.timezone,
      now,
    );
  }
}

function figuresIn(view: unknown, found: FigurePlaceholder[] = []): FigurePlaceholder[] {
  const figure = figurePlaceholder(view);
  if (figure) found.push(figure);
  else if (isContainer(view)) for (const member of Object.values(view)) figuresIn(member, found);
  return found;
}

/** Returns a copy with every figure filled in; the cached view does not change. */
function filled(view: unknown, tell: (figure: FigurePlaceholder) => unknown): unknown {
  const figure = figurePlaceholder(view);
  if (figure) return tell(figure);
  if (Array.isArray(view)) return view.map((member) => filled(member, tell));
  if (!isContainer(view)) return view;
  return Object.fromEntries(Object.entries(view).map(([name, member]) => [name, filled(member, tell)]));
}

const isContainer = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !(value instanceof Date);
