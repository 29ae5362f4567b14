import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** Only for the documentation: bodies of model routes are read and forwarded as bytes, never through a class. */
export class ImageRequest {
  @ApiProperty({ example: 'gpt-image-1' })
  model: string;

  @ApiProperty({ example: 'A toll gate in the fog' })
  prompt: string;

  /** How many; what is held is computed from it. */
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

  /** What is said; characters are what it costs by. */
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
