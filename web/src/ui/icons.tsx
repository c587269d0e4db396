/** The interface's icons: 24-unit strokes, decoration only (buttons carry their own labels). */
import type { ComponentChildren, JSX } from "preact";

function icon(children: ComponentChildren): () => JSX.Element {
  return () => (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const PeopleIcon = icon(
  <>
    <circle cx="9" cy="8" r="3.5" />
    <path d="M2.5 20c.4-4 3-6 6.500-6s6.100 2 6.500 6" />
    <path d="M16 5a3.500 3.500 0 0 1 0 6.500M18 14.500c2 .8 3.300 2.700 3.500 5.500" />
  </>,
);
export const ChatIcon = icon(<path d="M4 5h16v11H10l-5 4v-4H4z" />);
export const HelpIcon = icon(
  <>
    <circle cx="12" cy="12" r="9" />
    <path d="M9.500 9.500a2.500 2.500 0 1 1 3.600 2.200c-.8.4-1.100.9-1.100 1.800M12 17v.01" />
  </>,
);
export const LeaveIcon = icon(<path d="M10 4H5v16h5M14 8l4 4-4 4M18 12H9" />);
export const LinkIcon = icon(<path d="M10 14a4 4 0 0 0 5.700 0l3-3a4 4 0 0 0-5.700-5.700l-1 1M14 10a4 4 0 0 0-5.700 0l-3 3A4 4 0 0 0 11 18.700l1-1" />);
export const WaveIcon = icon(
  <path d="M7.500 12.500 5.600 9.200a1.400 1.400 0 0 1 2.400-1.400l2.200 3.700M8.600 8.700 7.200 6.300a1.400 1.400 0 0 1 2.400-1.400l3.100 5.300M11 7.200a1.400 1.400 0 0 1 2.400-1.400l2.800 4.800.5-2.900a1.500 1.500 0 0 1 3 .2c.2 3.900-.2 8.400-4 10.600-3.300 1.900-6.700.8-8.700-2.600l-1.300-2.300M3 15.500c.4 2.200 1.500 4 3.200 5.300M19 2.500c1 .6 1.700 1.400 2.200 2.500" />,
);
export const CloseIcon = icon(<path d="M6 6l12 12M18 6L6 18" />);
export const SendIcon = icon(<path d="M4 12l16-8-5 16-3.500-6.500z" />);
export const ArrowIcon = icon(<path d="M5 12h14M13 6l6 6-6 6" />);
export const WarningIcon = icon(<path d="M12 4 2.500 20h19zM12 10v4.500M12 17.500v.01" />);

/** The mark of Roomscale: somebody standing in a lit doorway. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 64 64" aria-hidden="true" focusable="false">
      <path class="mark-door" d="M14 58V28a18 18 0 0 1 36 0v30z" />
      <path class="mark-body" d="M24.500 58c0-5 1.200-11 3.500-15h8c2.300 4 3.500 10 3.500 15z" />
      <circle class="mark-body" cx="32" cy="35" r="5.500" />
    </svg>
  );
}
