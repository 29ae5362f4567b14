import { Controller, Get, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { CallAccess } from '../access/call-access.js';
import { MissingRowException } from '../http/missing-row.exception.js';
import { CallerRoute, CurrentPrincipal } from '../http/route-access.js';
import { Catalogue } from '../models/catalogue.service.js';
import {
  type ModelInfoEntry,
  ModelGroupList,
  ModelGroupQuery,
  ModelInfoList,
  ModelInfoQuery,
} from '../models/models.dto.js';
import { ModelsService } from '../models/models.service.js';
import { adminModelGroup, callerModelInfo, publicModelInfo } from '../models/public-model-info.js';
import { type Principal, seesEverything } from '../policy/principal.js';
import { CallableModels } from './callable-models.js';

/** Describes models: to proxy admins all with their configuration, to others those that they may call. */
@ApiTags('models')
@CallerRoute()
@Controller()
export class ModelInfoController {
  constructor(
    private readonly models: ModelsService,
    private readonly catalogue: Catalogue,
    private readonly callable: CallableModels,
  ) {}

  @Get(['model/info', 'v1/model/info'])
  @ApiOperation({
    summary: 'Every deployment, or one. Nothing secret.',
    description: 'Proxy admins see all. Others see those that they may call, without addresses.',
  })
  async info(
    @Query() { litellm_model_id, team_id }: ModelInfoQuery,
    @CurrentPrincipal() caller: Principal,
    @Req() { access }: FastifyRequest,
  ): Promise<ModelInfoList> {
    if (seesEverything(caller)) return { data: await this.models.info(litellm_model_id, team_id) };
    return { data: this.ownInfo(access!, litellm_model_id, team_id) };
  }

  @Get('model_group/info')
  @ApiOperation({
    summary: 'Every name that can be called: sizes, prices, abilities.',
    description: 'Proxy admins see all. Others see those that they may call.',
  })
  groups(
    @Query() { model_group }: ModelGroupQuery,
    @CurrentPrincipal() caller: Principal,
    @Req() { access }: FastifyRequest,
  ): ModelGroupList {
    const catalogue = this.catalogue.current();
    if (seesEverything(caller)) {
      const names =
        model_group === undefined ? [...catalogue.names(), ...catalogue.wildcardNames()] : [model_group];
      return { data: names.flatMap((name) => adminModelGroup(catalogue, name)) };
    }
    const own =
      model_group === undefined
        ? this.callable.all(access!)
        : [this.callable.find(model_group, access!)].filter((model) => model !== undefined);
    return { data: own.flatMap(({ name, facts }) => publicModelInfo(catalogue, name, facts)) };
  }

  private ownInfo(access: CallAccess, id: string | undefined, teamId: string | undefined): ModelInfoEntry[] {
    const catalogue = this.catalogue.current();
    const own = this.callable
      .all(access)
      .filter(({ facts: { ofTeam } }) => teamId === undefined || ofTeam === teamId)
      .flatMap(({ name, facts }) => callerModelInfo(catalogue, name, facts));
    if (id === undefined) return own;
    const one = own.filter(({ model_info }) => model_info.id === id);
    if (one.length) return one;
    throw new MissingRowException({
      message: `Model id = ${id} is not a model that you may call.`,
      param: 'litellm_model_id',
    });
  }
}
