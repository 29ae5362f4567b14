import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Get, HttpCode, Module, Post, Req, UseGuards } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { AuthChecksGuard } from '../../src/access/auth-checks.guard.js';
import { ModelAccessGuard } from '../../src/access/model-access.guard.js';
import { ModelRoute } from '../../src/access/model-route.js';
import { createApp } from '../../src/app.setup.js';
import { readConfig } from '../../src/config/read-config.js';
import { AccessModule } from '../../src/access/access.module.js';
import { AdminRoute, CallerRoute, setRouteAccess } from '../../src/http/route-access.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const MASTER = 'sk-master-of-the-guards';

/** Starts the gateway with another controller in it. */
async function appWith(controller: new () => object): Promise<NestFastifyApplication> {
  @Module({ imports: [AccessModule], controllers: [controller] })
  class TheirModule {}

  const folder = mkdtempSync(join(tmpdir(), 'tollgate-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  const app = await createApp(
    readConfig({ TOLLGATE_DATA: folder, TOLLGATE_MASTER_KEY: MASTER, TOLLGATE_CONFIG: '' }),
    { modules: [TheirModule] },
  );
  cleanups.push(() => app.close());
  return app;
}

@ModelRoute()
@Controller('their/chat')
class TheirController {
  @Post()
  @HttpCode(200)
  chat(@Req() { access }: FastifyRequest) {
    return { model: access!.facts.request!.model!.name, allowed: access!.decision.allowed };
  }

  @CallerRoute()
  @Get('whoami')
  whoAmI(@Req() { principal: caller }: FastifyRequest) {
    return { callerId: caller!.id };
  }
}

describe('the guards on somebody else’s controller', () => {
  it('let in, refuse and explain as they do on ours', async () => {
    const app = await appWith(TheirController);
    const post = async (url: string, key: string | undefined, payload: object) => {
      const answer = await app.inject({
        method: 'POST',
        url,
        payload,
        headers: key ? { authorization: `Bearer ${key}` } : {},
      });
      return { status: answer.statusCode, body: answer.json<Record<string, never>>() };
    };
    const response = await post('/key/generate', MASTER, {
      models: ['tollgate-demo'],
      allowed_routes: ['/their/chat'],
    });
    const { key } = response.body;

    expect(await post('/their/chat', MASTER, { model: 'tollgate-demo' })).toEqual({
      status: 200,
      body: { model: 'tollgate-demo', allowed: true },
    });
    expect((await post('/their/chat', undefined, { model: 'tollgate-demo' })).status).toBe(401);
    expect((await post('/their/chat', MASTER, { model: 'nobody' })).status).toBe(400);
    expect(await post('/their/chat', key, { model: 'tollgate-demo' })).toMatchObject({ status: 200 });
    expect(await post('/their/chat', key, { model: 'tollgate-demo-free' })).toMatchObject({
      status: 403,
      body: { error: { type: 'key_model_access_denied' } },
    });
  });
});

describe('a start', () => {
  it.each<[string, new () => object]>([
    [
      'a model route without any guard',
      (() => {
        @setRouteAccess('model')
        @Controller('open')
        class Open {
          @Post()
          call() {}
        }
        return Open;
      })(),
    ],
    [
      'a model route without ModelAccessGuard',
      (() => {
        @setRouteAccess('model')
        @UseGuards(AuthChecksGuard)
        @Controller('half')
        class Half {
          @Post()
          call() {}
        }
        return Half;
      })(),
    ],
    [
      'the guards in the wrong order',
      (() => {
        @setRouteAccess('model')
        @UseGuards(ModelAccessGuard, AuthChecksGuard)
        @Controller('wrong')
        class Wrong {
          @Post()
          call() {}
        }
        return Wrong;
      })(),
    ],
    [
      'an administrators’ route without a rule',
      (() => {
        @AdminRoute()
        @Controller('ruleless')
        class Ruleless {
          @Get()
          read() {}
        }
        return Ruleless;
      })(),
    ],
    [
      'a route nobody marked',
      (() => {
        @Controller('forgotten')
        class Forgotten {
          @Get()
          read() {}
        }
        return Forgotten;
      })(),
    ],
  ])('fails with %s', async (_, controller) => {
    await expect(appWith(controller)).rejects.toThrow('These routes are not guarded');
  });
});
