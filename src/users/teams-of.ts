import { type EntityManager, In, IsNull } from 'typeorm';
import { Member } from '../parties/entities/team-member.entity.js';

/** The teams of these users, by user, in the order they were joined. */
export async function teamsOf(
  manager: EntityManager,
  userIds: readonly string[],
): Promise<Map<string, string[]>> {
  const members = await manager.find(Member, {
    where: { userId: In(userIds), deletedAt: IsNull() },
    order: { createdAt: 'ASC', id: 'ASC' },
  });
  const teams = new Map<string, string[]>();
  for (const { userId, teamId } of members) teams.set(userId, [...(teams.get(userId) ?? []), teamId]);
  return teams;
}
