import { LiveModel } from '../../api/live';
import type { IPage, ITeamProject, TeamRole } from '../../api/models';

/** The projects that the person shares, as the Hub's service tells of them. */
export class TeamModel extends LiveModel {
  get items(): readonly ITeamProject[] {
    return this._items;
  }

  /** Makes an empty project; throws the server's APIError, which names the fields at fault. */
  async create(name: string, description: string): Promise<void> {
    await this.client.post('/team/projects', { name, description });
    await this.refresh();
  }

  /** Makes somebody a member, or one with another role; throws an APIError. */
  async putMember(name: string, user: string, role: TeamRole): Promise<void> {
    await this.client.put(memberPath(name, user), { role });
    await this.refresh();
  }

  /** Somebody is no member any more; throws an APIError. */
  async removeMember(name: string, user: string): Promise<void> {
    await this.client.delete(memberPath(name, user));
    await this.refresh();
  }

  /** Puts a project into the trash, or removes it for good from there; throws an APIError. */
  async delete(name: string, confirm: string): Promise<void> {
    await this.client.delete(pathOf(name), { confirm });
    await this.refresh();
  }

  /** Takes a project out of the trash; throws an APIError. */
  async restore(name: string): Promise<void> {
    await this.client.post(`${pathOf(name)}/restore`);
    await this.refresh();
  }

  protected async load(): Promise<void> {
    const page = await this.client.get<IPage<ITeamProject>>('/team/projects');
    this._items = page.items;
  }

  private _items: readonly ITeamProject[] = [];
}

/** Where a shared project is in the API. */
export function pathOf(name: string): string {
  return `/team/projects/${encodeURIComponent(name)}`;
}

function memberPath(name: string, user: string): string {
  return `${pathOf(name)}/members/${encodeURIComponent(user)}`;
}
