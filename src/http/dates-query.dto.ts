import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsDateString, IsOptional, Matches } from 'class-validator';

const DAY = /^\d{4}-\d{2}-\d{2}$/;

const IsDay = (example: string) =>
  applyDecorators(
    IsDateString({ strict: true }, { message: '$property must be a day there is' }),
    Matches(DAY, { message: '$property must be a day, YYYY-MM-DD' }),
    IsOptional(),
    ApiPropertyOptional({ type: String, example }),
  );

/** Days of a report or list, both included. */
export class DatesQuery {
  /** First day, UTC. */
  @IsDay('2026-11-01')
  start_date?: string;

  /** Last day, UTC. */
  @IsDay('2026-11-30')
  end_date?: string;
}
