import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** Describes a body for the documentation only. Model routes forward bodies as bytes and do not parse them into classes. */
export class ImageRequest {
  @ApiProperty({ example: 'gpt-image-1' })
  model: string;

  @ApiProperty({ example: 'A toll gate in the fog' })
  prompt: string;

  /** Number of images. The hold is computed from it. */
  @ApiPropertyOptional({ example: 1 })
  n?: number;
}

export class ImageEdit extends ImageRequest {
  @ApiProperty({ type: 'string', format: 'binary' })
  image: string;
}

export class Image {
  b64_json?: string;
  url?: string;
}

export class ImageList {
  created: number;
  data: Image[];
}

export class SpeechRequest {
  @ApiProperty({ example: 'tts-1' })
  model: string;

  /** Text to speak. Its characters are billed. */
  @ApiProperty({ example: 'Please pay the toll.' })
  input: string;

  @ApiProperty({ example: 'alloy' })
  voice: string;
}

export class TranscriptRequest {
  @ApiProperty({ example: 'whisper-1' })
  model: string;

  @ApiProperty({ type: 'string', format: 'binary' })
  file: string;

  @ApiPropertyOptional({ example: 'json' })
  response_format?: string;
}

export class Transcript {
  @ApiProperty({ example: 'Please pay the toll.' })
  text: string;
}
