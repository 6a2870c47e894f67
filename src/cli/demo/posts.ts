import type { AccountName, PersonName } from './cast.ts'
import type { PictureName } from './pictures.ts'

/** What becomes of a piece; without one it is approved and goes out at its time. */
export type Fate =
  | 'draft'
  | 'archived'
  /** Waits for review, and with it the post that is planned already. */
  | 'in_review'
  | 'changes_requested'
  /** Approved, with no time yet. */
  | 'approved'
  | 'cancelled'
  /** The answer of the network is lost, and it cannot be asked either. */
  | 'unconfirmed'
  /** The same; on the next morning somebody has looked and found it there. */
  | 'found'

export interface DemoPost {
  /** Days from today, and the time of day in the workspace's zone. */
  day: number
  time: string
  text: string
  to: AccountName[]
  by: Exclude<PersonName, 'cora'>
  tags: string[]
  picture?: PictureName
  /** The parts after the first, where it goes on as a thread. */
  more?: string[]
  firstComment?: string
  /** Own words for one account. */
  instead?: Partial<Record<AccountName, string>>
  said?: [PersonName, string][]
  /** The words before they were revised once. */
  before?: string
  fate?: Fate
}

export const past: DemoPost[] = [
  {
    day: -20,
    time: '08:30',
    by: 'ines',
    to: ['feed', 'board'],
    tags: ['shop'],
    picture: 'morningCup',
    text: 'Good morning from the corner of Fischmarkt. The doors are open, the first kettle is on, and there is a new chair by the window.',
  },
  {
    day: -19,
    time: '12:00',
    by: 'bob',
    to: ['feed'],
    tags: ['beans'],
    picture: 'greenBeans',
    text: 'The Huehuetenango has landed: eleven bags, picked by hand, rested at sea. Tomorrow it meets the roaster for the first time.',
  },
  {
    day: -18,
    time: '09:00',
    by: 'ines',
    to: ['feed', 'harbour'],
    tags: ['beans'],
    text: 'First roast of the Huehuetenango: plum, brown sugar, a little orange peel. We stopped at 208 °C and wrote everything down.',
    said: [
      ['bob', 'Lovely. Can we keep the temperature in? People ask.'],
      ['ines', 'Kept.'],
    ],
  },
  {
    day: -17,
    time: '17:30',
    by: 'alice',
    to: ['feed', 'board', 'market'],
    tags: ['events'],
    picture: 'steamNight',
    text: 'Late bar this Thursday: filter until ten, a record player, and Cora’s cardamom buns while they last.',
  },
  {
    day: -16,
    time: '10:15',
    by: 'ines',
    to: ['feed'],
    tags: ['brewing'],
    picture: 'pourOver',
    text: 'One way to brew at home: 18 g, ground like sea salt, 300 ml at 94 °C. Pour 60, wait 40 seconds, pour the rest slowly. Three minutes in all.',
    before: 'One way to brew at home: 18 g coffee, 300 ml water, three minutes.',
  },
  {
    day: -15,
    time: '08:00',
    by: 'bob',
    to: ['feed', 'board'],
    tags: ['shop'],
    text: 'Saturday hours: 8 to 18. The lane is closed for the run until noon, come by foot or by ferry.',
  },
  {
    day: -14,
    time: '11:00',
    by: 'bob',
    to: ['feed', 'harbour'],
    tags: ['people'],
    picture: 'farm',
    text: 'Twelve years with the Vásquez family. Their slope faces north, ripens late, and has never once disappointed us. A long read for your second cup.',
  },
  {
    day: -13,
    time: '16:00',
    by: 'ines',
    to: ['market'],
    tags: ['events'],
    text: 'Find us at the Isemarkt on Friday, between the cheese and the man with the quinces.',
  },
  {
    day: -12,
    time: '09:30',
    by: 'alice',
    to: ['board'],
    tags: ['people'],
    fate: 'found',
    text: 'We are looking for a second roaster, three days a week. You need patience, a nose, and a driving licence. Write to Alice.',
  },
  {
    day: -11,
    time: '08:45',
    by: 'ines',
    to: ['feed', 'board', 'harbour'],
    tags: ['shop'],
    picture: 'flatWhite',
    text: 'Oat, cow or nothing at all: the flat white is the same price since today. We did the sums, and it felt silly not to.',
    instead: {
      board: 'Oat milk costs nothing extra from today. Same cup, same price, the corner of Fischmarkt.',
    },
  },
  {
    day: -10,
    time: '18:00',
    by: 'bob',
    to: ['feed'],
    tags: ['brewing'],
    text: 'Your grinder wants ten minutes of you. Brush, vacuum, a spoon of rice if you must (please do not). The next cup says thank you.',
  },
  {
    day: -9,
    time: '10:00',
    by: 'bob',
    to: ['trade'],
    tags: ['wholesale'],
    text: 'Wholesale list for next month: three espressos, two filters, one decaf that does not apologise. Prices per 6 kg, delivered by cargo bike.',
  },
  {
    day: -8,
    time: '09:00',
    by: 'ines',
    to: ['feed', 'market'],
    tags: ['beans'],
    picture: 'houseBag',
    text: 'The house blend has a new label. What is inside has not changed since 2014, and we checked twice.',
    before: 'New label! Same coffee.',
  },
  {
    day: -7,
    time: '12:30',
    by: 'ines',
    to: ['feed', 'board'],
    tags: ['events'],
    text: 'Cupping on Sunday at eleven. Six coffees, one table, no exam. Eight places, and two are left.',
    said: [
      ['cora', 'Is it really eight? The table seats ten.'],
      ['ines', 'Eight, so that everybody reaches every cup.'],
    ],
  },
  {
    day: -6,
    time: '08:15',
    by: 'bob',
    to: ['feed', 'harbour'],
    tags: ['shop'],
    picture: 'northernHills',
    text: 'Fog on the river, no boats before ten. If you are waiting for the ferry, wait here: the window seat has a view of exactly nothing.',
  },
  {
    day: -5,
    time: '15:00',
    by: 'alice',
    to: ['feed'],
    tags: ['people'],
    text: 'Ines won the regional brewers’ cup with our Kenya and a kettle older than she is. We are not surprised, only loud.',
  },
  {
    day: -4,
    time: '09:45',
    by: 'ines',
    to: ['feed', 'board'],
    tags: ['beans'],
    picture: 'darkBeans',
    text: 'The dark espresso is back: heavier, rounder, made for milk and for evenings that begin early.',
  },
  {
    day: -3,
    time: '10:30',
    by: 'bob',
    to: ['market', 'feed'],
    tags: ['events'],
    text: 'Friday at the market: grinders sharpened while you wait. Bring yours, and a story about it.',
  },
  {
    day: -2,
    time: '08:30',
    by: 'ines',
    to: ['feed', 'harbour', 'board'],
    tags: ['brewing'],
    picture: 'lateFilter',
    text: 'Decaf after dinner: same recipe, two degrees cooler. It is not a punishment, it is a nightcap.',
  },
  {
    day: -1,
    time: '11:00',
    by: 'bob',
    to: ['trade'],
    tags: ['wholesale'],
    text: 'Cafés and offices: orders before Tuesday noon arrive before the weekend. The cargo bike has new brakes.',
  },
  {
    day: -1,
    time: '17:15',
    by: 'alice',
    to: ['board'],
    tags: ['events'],
    fate: 'unconfirmed',
    text: 'Neighbours: the roaster runs on Wednesday evening, so the lane will smell of toast until nine. Come in and see why.',
  },
  {
    day: 0,
    time: '00:05',
    by: 'ines',
    to: ['feed'],
    tags: ['shop'],
    picture: 'harbourDawn',
    text: 'Up before the gulls. Today: Huehuetenango on filter, dark espresso on the machine, buns from seven.',
  },
]

export const ahead: DemoPost[] = [
  {
    day: 0,
    time: '23:50',
    by: 'bob',
    to: ['feed'],
    tags: ['shop'],
    text: 'Lights out. Tomorrow’s first pot is ground and waiting.',
  },
  {
    day: 1,
    time: '09:00',
    by: 'ines',
    to: ['feed', 'board'],
    tags: ['beans'],
    picture: 'winterBag',
    text: 'One kilo of dark espresso, one paper bag, one ribbon: the easiest present we know. From today in the shop and by post.',
  },
  {
    day: 1,
    time: '16:00',
    by: 'alice',
    to: ['feed', 'harbour'],
    tags: ['people'],
    text: 'Bob turns forty. He asked for no fuss, so here is a quiet post that everybody can see.',
  },
  {
    day: 2,
    time: '08:30',
    by: 'ines',
    to: ['feed', 'market'],
    tags: ['events'],
    text: 'Market day again. We bring the small roaster, and a tent that has survived worse.',
  },
  {
    day: 3,
    time: '12:00',
    by: 'bob',
    to: ['feed', 'board'],
    tags: ['brewing'],
    picture: 'steamNorth',
    text: 'Why your cup tastes flat on Mondays: the beans are from Friday, the water stood all weekend. Fresh water is half the recipe.',
    more: [
      'The other half is the grinder. What is left in it since Friday is the first thing you taste, so grind a spoonful and throw it away.',
      'And then wait: off the boil, a slow count of thirty. That is all we know.',
    ],
    firstComment: 'The long version hangs beside the till. Take one home.',
  },
  {
    day: 4,
    time: '10:00',
    by: 'ines',
    to: ['feed', 'board'],
    tags: ['events'],
    fate: 'in_review',
    text: 'Open roastery on the last Sunday of the month: watch, smell, ask. Children may press the big green button once each.',
  },
  {
    day: 5,
    time: '09:30',
    by: 'ines',
    to: ['feed', 'harbour', 'board'],
    tags: ['beans'],
    picture: 'greenBeans',
    text: 'The Huehuetenango, second roast, one degree lower. Tell us whether we are imagining the cherry.',
  },
  {
    day: 6,
    time: '17:00',
    by: 'alice',
    to: ['feed', 'board'],
    tags: ['shop'],
    text: 'We stay open until eight from now on. The late bar becomes the ordinary bar, and nobody complains.',
  },
  {
    day: 7,
    time: '11:00',
    by: 'bob',
    to: ['feed'],
    tags: ['people'],
    fate: 'cancelled',
    text: 'Meet the new roaster on Saturday. (We have not found one yet, but we are optimists.)',
  },
  {
    day: 8,
    time: '08:30',
    by: 'ines',
    to: ['feed'],
    tags: ['shop'],
    text: 'Rain, wind, and a full pastry shelf. Two of these are negotiable.',
  },
  {
    day: 9,
    time: '12:15',
    by: 'bob',
    to: ['feed', 'harbour'],
    tags: ['brewing'],
    text: 'Workshop: milk, steam and patience. Wednesday at seven, six places, no experience needed and some spilling expected.',
  },
  {
    day: 10,
    time: '10:00',
    by: 'ines',
    to: ['board'],
    tags: ['events'],
    fate: 'in_review',
    text: 'The linden on the corner wants water again. We bring the cans and the coffee; you bring an hour.',
  },
  {
    day: 11,
    time: '09:00',
    by: 'ines',
    to: ['feed', 'market'],
    tags: ['beans'],
    text: 'Kenya Nyeri, the last of this year: blackcurrant, lime, gone within weeks.',
  },
  {
    day: 12,
    time: '15:30',
    by: 'alice',
    to: ['feed', 'board'],
    tags: ['people'],
    text: 'What we paid for green coffee this year, by farm and by kilo. It is a table, and we are proud of it.',
  },
  {
    day: 14,
    time: '09:00',
    by: 'bob',
    to: ['feed', 'harbour'],
    tags: ['shop'],
    text: 'Parcels for the long weekend leave here on Wednesday. After that we deliver by bike, and only as far as the bridge.',
  },
]

/** No time yet: `day` is when it was begun. */
export const unplanned: DemoPost[] = [
  {
    day: -3,
    time: '14:00',
    by: 'ines',
    to: [],
    tags: ['brewing'],
    fate: 'draft',
    text: 'Notes for a post about water hardness. Hamburg: 14 °dH. Ask Bob for the filter numbers.',
  },
  {
    day: -2,
    time: '11:20',
    by: 'bob',
    to: [],
    tags: ['wholesale'],
    fate: 'draft',
    text: 'Next list: drop the second filter? Talk to Alice first.',
  },
  {
    day: -1,
    time: '09:10',
    by: 'ines',
    to: [],
    tags: ['people'],
    fate: 'draft',
    picture: 'flatWhite',
    text: 'Regulars, a series. First: Herr Thomsen, who has paid in exact change since we opened.',
  },
  {
    day: -2,
    time: '15:40',
    by: 'ines',
    to: [],
    tags: ['events'],
    fate: 'changes_requested',
    text: 'Free coffee for everybody who brings a friend on Sunday!!!',
    said: [['bob', 'I like the idea. I fear the queue.']],
  },
  {
    day: -1,
    time: '13:00',
    by: 'ines',
    to: [],
    tags: ['beans'],
    fate: 'in_review',
    text: 'How a coffee gets its name: farm, village, region, or the mood of whoever fills in the form.',
  },
  {
    day: -3,
    time: '10:00',
    by: 'bob',
    to: [],
    tags: ['brewing'],
    fate: 'approved',
    text: 'Cold brew, in this weather. Hear us out.',
  },
  {
    day: -16,
    time: '10:00',
    by: 'bob',
    to: [],
    tags: ['shop'],
    fate: 'archived',
    text: 'Pumpkin spice. (Bob lost the vote.)',
  },
]
