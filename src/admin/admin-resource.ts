import { applyDecorators, UseInterceptors } from '@nestjs/common';
import { AdminRoute } from '../http/route-access.js';
import { ViewCacheInterceptor } from './view-cache.interceptor.js';
import { CurrentSpendInterceptor } from './current-spend.interceptor.js';

/** Marks a controller of admin routes: its reads are cached views with current figures filled in. */
export const AdminResource = () =>
  applyDecorators(AdminRoute(), UseInterceptors(CurrentSpendInterceptor, ViewCacheInterceptor));
