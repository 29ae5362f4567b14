import { applyDecorators, UseInterceptors } from '@nestjs/common';
import { AdminRoute } from '../http/doors.js';
import { ViewCacheInterceptor } from '../http/view-cache.interceptor.js';
import { LiveFiguresInterceptor } from '../spend/live-figures.interceptor.js';

/** A controller of administrators whose reads are cached views with current figures laid over them. */
export const AdminResource = () =>
  applyDecorators(AdminRoute(), UseInterceptors(LiveFiguresInterceptor, ViewCacheInterceptor));
