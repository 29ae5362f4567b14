import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, ArrayNotEmpty, IsArray, IsNotEmpty, IsOptional, IsString } from 'class-validator';
import { MAX_PAGE_SIZE } from './pagination.js';

// `applyDecorators` applies its first argument first; decorators that stand above a field are applied from the bottom up.

/** A DTO field of text that must be sent and is not empty. */
export const IsRequiredText = (example: string) =>
  applyDecorators(IsNotEmpty(), IsString(), ApiProperty({ type: String, example }));

/** A DTO field of text that is not empty, if it is sent. */
export const IsOptionalText = (example: string) =>
  applyDecorators(IsNotEmpty(), IsString(), IsOptional(), ApiPropertyOptional({ type: String, example }));

/** A DTO field of text that may be empty or null, if it is sent. */
export const IsNullableText = (example?: string) =>
  applyDecorators(
    IsString(),
    IsOptional(),
    ApiPropertyOptional({ nullable: true, type: String, ...(example !== undefined && { example }) }),
  );

/** A DTO field of text. An empty text, which forms send, is null. */
export const IsFilledText = (example?: string) =>
  applyDecorators(
    IsNullableText(example),
    Transform(({ value }: { value: unknown }) => (value === '' ? null : value)),
  );

/** An optional query parameter that filters. An empty one filters nothing, as in LiteLLM. */
export const IsFilter = () =>
  applyDecorators(
    IsString(),
    IsOptional(),
    Transform(({ value }: { value: unknown }) => (value === '' ? undefined : value)),
    ApiPropertyOptional({ type: String }),
  );

/** A DTO field with a list of texts that must be sent, at most as many as a page has rows. */
export const IsTextList = (example: readonly string[], { mayBeEmpty = false } = {}) =>
  applyDecorators(
    IsString({ each: true }),
    ArrayMaxSize(MAX_PAGE_SIZE),
    ...(mayBeEmpty ? [] : [ArrayNotEmpty()]),
    IsArray(),
    ApiProperty({ type: [String], example, ...(!mayBeEmpty && { minItems: 1 }) }),
  );

/** A DTO field with a list of texts that may be empty or null, if it is sent. */
export const IsOptionalTextList = (example?: readonly string[]) =>
  applyDecorators(
    IsString({ each: true }),
    ArrayMaxSize(MAX_PAGE_SIZE),
    IsArray(),
    IsOptional(),
    ApiPropertyOptional({ type: [String], nullable: true, ...(example && { example }) }),
  );
