import { Injectable, type OnModuleInit, RequestMethod } from '@nestjs/common';
import { GUARDS_METADATA, METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { routeAccessOf } from '../http/route-access.js';
import { ADMIN_RULES } from '../policy/admin-rules.js';
import { AuthChecksGuard } from './auth-checks.guard.js';
import { ModelAccessGuard } from './model-access.guard.js';

/** Stops the start if a route is not marked, an admin route has no rule, or a model route lacks one of the guards. */
@Injectable()
export class RouteGuardCheck implements OnModuleInit {
  private paths: ReadonlySet<string> | undefined;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  /** The paths of routes that call a model, in Nest's notation. Known as soon as the modules are loaded. */
  get modelPaths(): ReadonlySet<string> {
    return (this.paths ??= new Set(this.ofControllers((controller) => this.modelPathsOf(controller))));
  }

  onModuleInit(): void {
    const problems = this.ofControllers((controller) => this.problemsOf(controller));
    if (problems.length) throw new Error(`These routes are not guarded:\n- ${problems.join('\n- ')}`);
  }

  private ofControllers(read: (controller: ControllerClass) => string[]): string[] {
    return this.discovery.getControllers().flatMap(({ metatype }) => (metatype ? read(metatype) : []));
  }

  private handlersOf({ prototype }: ControllerClass): { readonly name: string; readonly handler: object }[] {
    const members = prototype as Record<string, object>;
    return this.scanner
      .getAllMethodNames(members)
      .filter((name) => Reflect.hasMetadata(PATH_METADATA, members[name]!))
      .map((name) => ({ name, handler: members[name]! }));
  }

  private modelPathsOf(controller: ControllerClass): string[] {
    return this.handlersOf(controller)
      .filter(({ handler }) => routeAccessOf(handler, controller) === 'model' && methodOf(handler) === 'POST')
      .flatMap(({ handler }) => pathsOf(controller, handler));
  }

  private problemsOf(controller: ControllerClass): string[] {
    return this.handlersOf(controller).flatMap(({ name, handler }) => {
      const method = methodOf(handler);
      const route = `${controller.name}.${name} (${method})`;
      const access = routeAccessOf(handler, controller);
      if (!access)
        return [`${route} is not marked: @AdminRoute(), @CallerRoute(), @ModelRoute() or @PublicRoute()`];
      if (access === 'admin' || access === 'metrics') {
        return pathsOf(controller, handler)
          .map((path) => `${method} ${path}`)
          .filter((known) => !Object.hasOwn(ADMIN_RULES, known))
          .map((unruled) => `${route} has no rule in ADMIN_RULES: ${unruled}`);
      }
      if (access !== 'model') return [];
      const guards = [controller, handler].flatMap(
        (target) => (Reflect.getMetadata(GUARDS_METADATA, target) as unknown[] | undefined) ?? [],
      );
      const [auth, model] = [guards.indexOf(AuthChecksGuard), guards.indexOf(ModelAccessGuard)];
      return auth >= 0 && model > auth
        ? []
        : [`${route} calls a model: AuthChecksGuard and then ModelAccessGuard must stand before it`];
    });
  }
}

// oxlint-disable-next-line typescript/no-unsafe-function-type -- Nest's own type of a controller class.
type ControllerClass = Function;

const methodOf = (handler: object) =>
  RequestMethod[Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod];

const pathsOf = (controller: object, handler: object): string[] => {
  const [above, below] = [controller, handler].map((target) =>
    [Reflect.getMetadata(PATH_METADATA, target) as string | string[]].flat(),
  ) as [string[], string[]];
  return above.flatMap((first) =>
    below.map((last) => `/${[...first.split('/'), ...last.split('/')].filter(Boolean).join('/')}`),
  );
};
