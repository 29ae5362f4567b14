import { ApiProperty } from '@nestjs/swagger';

export class Alive {
  @ApiProperty({ example: 'alive' })
  status: string;
}

export class Ready {
  @ApiProperty({ example: 'healthy' })
  status: string;

  @ApiProperty({ example: 'connected' })
  db: string;
}

export class Greeting {
  message: string;
}
