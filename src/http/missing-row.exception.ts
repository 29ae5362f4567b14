import { ForbiddenException, HttpException, HttpStatus } from '@nestjs/common';
import { seesEverything, type Principal } from '../policy/principal.js';

/**
 * A request names a row that is missing or hidden from the caller. Services throw it for both, and `ErrorFilter` sends what
 * `refusalFor` returns.
 */
export class MissingRowException extends HttpException {
  /** `message` and `status` are for callers who may see every row. `param` is the field that names the row. */
  constructor(
    { message, param }: { readonly message: string; readonly param: string },
    status: 400 | 404 = HttpStatus.NOT_FOUND,
  ) {
    super({ message, param }, status);
    this.param = param;
  }

  private readonly param: string;

  /**
   * Returns itself for a caller who may see every row. Returns 403 for all others, because a 404 would tell them which rows
   * exist. Terraform forgets a resource if its error contains "404", "not found" or "does not exist", so the 403 contains
   * neither these words nor an id.
   */
  refusalFor(caller: Principal | undefined): HttpException {
    if (caller && seesEverything(caller)) return this;
    const { param } = this;
    return new ForbiddenException({
      message: `You may see nothing with this \`${param}\`. Check it, or ask a proxy admin.`,
      param,
    });
  }
}
