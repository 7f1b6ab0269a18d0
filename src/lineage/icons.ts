import lineageSvg from '../../style/icons/lineage.svg';
import { icon } from '../ui/fileIcons';

export const lineageIcon = icon('lineage', lineageSvg);
