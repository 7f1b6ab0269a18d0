import { trans } from '../../ui/locale';

/** The actions of the audit log, in words. */
const LABELS: Record<string, () => string> = {
  'container.create': () => trans.__('container created'),
  'container.delete': () => trans.__('container deleted'),
  'container.resize': () => trans.__('container resized'),
  'container.restart': () => trans.__('container restarted'),
  'container.start': () => trans.__('container started'),
  'container.stop': () => trans.__('container stopped'),
  'environment.delete': () => trans.__('environment deleted'),
  'environment.save': () => trans.__('environment saved'),
  'page.revoke': () => trans.__('page no longer shared'),
  'page.share': () => trans.__('page shared'),
  'page.view': () => trans.__('page viewed'),
  'project.create': () => trans.__('project created'),
  'project.data.read': () => trans.__('project data read'),
  'project.data.write': () => trans.__('project data stored'),
  'project.fetch': () => trans.__('project fetched'),
  'project.member.add': () => trans.__('member added'),
  'project.member.change': () => trans.__('role of a member changed'),
  'project.member.remove': () => trans.__('member removed'),
  'project.purge': () => trans.__('project deleted permanently'),
  'project.push': () => trans.__('pushed to the project'),
  'project.restore': () => trans.__('project restored'),
  'project.runs.read': () => trans.__('project runs read'),
  'project.runs.write': () => trans.__('project runs recorded'),
  'project.trash': () => trans.__('project moved to the trash'),
  'queue.drop': () => trans.__('removed from the queue'),
  'queue.move': () => trans.__('moved within the queue'),
  'volume.purge': () => trans.__('volume deleted permanently'),
  'volume.restore': () => trans.__('volume restored'),
  'volume.trash': () => trans.__('volume moved to the trash')
};

/** An action in words; those without a label as they are recorded. */
export const auditLabel = (action: string): string =>
  LABELS[action]?.() ?? action;
