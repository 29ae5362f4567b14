import { applyDecorators, UseInterceptors } from '@nestjs/common';
import { AdminRoute } from '../http/route-access.js';
import { ViewCacheInterceptor } from './view-cache.interceptor.js';
import { CurrentSpendInterceptor } from './current-spend.interceptor.js';

/** A controller of administrators whose reads are cached views with current figures laid over them. */
export const AdminResource = () =>
  applyDecorators(AdminRoute(), UseInterceptors(CurrentSpendInterceptor, ViewCacheInterceptor));
