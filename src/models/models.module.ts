import { Module } from '@nestjs/common';
import { Catalogue } from './catalogue.service.js';
import { ModelsController } from './models.controller.js';
import { ModelsService } from './models.service.js';

/** The catalogue: which names can be called, through which deployments, at what price. */
@Module({ controllers: [ModelsController], providers: [Catalogue, ModelsService], exports: [Catalogue] })
export class ModelsModule {}
