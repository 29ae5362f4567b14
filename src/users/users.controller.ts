import { Body, Controller, Get, Header, HttpCode, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminResource } from '../admin/admin-resource.js';
import { CurrentPrincipal } from '../http/route-access.js';
import type { Principal } from '../policy/principal.js';
import {
  AvailableRoles,
  BulkUpdatedUsers,
  BulkUpdateUsersDto,
  DeleteUsersDto,
  NewUser,
  NewUserDto,
  UpdatedUser,
  UpdateUserDto,
  UserInfoQuery,
  UserList,
  UserListQuery,
} from './users.dto.js';
import { AVAILABLE_ROLES } from './available-roles.js';
import { UserInfo } from './user-info.dto.js';
import { UserLists } from './user-lists.js';
import { UsersService } from './users.service.js';

@ApiTags('users')
@AdminResource()
@Controller('user')
export class UsersController {
  constructor(
    private readonly users: UsersService,
    private readonly lists: UserLists,
  ) {}

  @Post('new')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Make a user and, unless `auto_create_key` is false, its first key.' })
  create(@Body() dto: NewUserDto, @CurrentPrincipal() caller: Principal): Promise<NewUser> {
    return this.users.create(dto, caller);
  }

  @Post('update')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Change a user. Absent keeps, null clears; `blocked` stops all its keys at once.',
  })
  update(@Body() dto: UpdateUserDto, @CurrentPrincipal() caller: Principal): Promise<UpdatedUser> {
    return this.users.update(dto, caller);
  }

  @Post('bulk_update')
  @HttpCode(200)
  @ApiOperation({ summary: 'Change many users, each by itself; the answer says which could be.' })
  updateMany(
    @Body() dto: BulkUpdateUsersDto,
    @CurrentPrincipal() caller: Principal,
  ): Promise<BulkUpdatedUsers> {
    return this.users.updateMany(dto, caller);
  }

  @Get('available_roles')
  @ApiOperation({ summary: 'The roles a user can have.' })
  roles(): AvailableRoles {
    return AVAILABLE_ROLES;
  }

  @Get('info')
  @ApiOperation({ summary: 'A user with its keys and teams.' })
  info(@Query() { user_id }: UserInfoQuery, @CurrentPrincipal() caller: Principal): Promise<UserInfo> {
    return this.users.info(user_id, caller);
  }

  @Get('list')
  @ApiOperation({ summary: 'The users that concern the caller, a page at a time.' })
  list(@Query() query: UserListQuery, @CurrentPrincipal() caller: Principal): Promise<UserList> {
    return this.lists.list(query, caller);
  }

  @Post('delete')
  @HttpCode(200)
  @ApiOperation({ summary: 'Delete users with their keys and memberships; the answer is their number.' })
  delete(@Body() { user_ids }: DeleteUsersDto, @CurrentPrincipal() caller: Principal): Promise<number> {
    return this.users.delete(user_ids, caller);
  }
}
