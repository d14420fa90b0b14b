/** Text of our own that models of text are tried on where there is no data: English of many kinds, some of other languages, some
 *  code. Written for this; most of the English spells with few characters, for models that know letters only. */

const english = `
The harbour was quiet when the ferry came in. Two men in yellow coats stood on the quay and waited for the rope, and a dog that belonged
to neither of them watched the gulls. It had rained all night, and the stones were still dark with water.

Bread needs four things: flour, water, salt, and time. Most recipes tell you a great deal about the first three and almost nothing about
the last. Let the dough rest until it has doubled, fold it gently, and let it rest again. If the kitchen is cold this may take all day.

Dear Anna, thank you for your letter and for the photographs of the children. We were sorry to hear about the roof. Here the summer has
been dry, the apples are small, and your uncle has finally sold the old tractor. Come and see us in the autumn, when the work is done.

A lever moves a heavy stone because the long side travels further than the short one. Nothing is given away for free: what you gain in
force you lose in distance. The same is true of pulleys, of gears, and of the pedals of a bicycle.

Who left the gate open? I did not, said Martin. Then it must have been the wind. The wind does not lift a latch, said his sister, and she
went out with the lamp to look for the goats. After a while they heard her laughing in the dark.

The council met on Tuesday evening to discuss the new bridge. Three members spoke in favour of the plan, and two asked for a cheaper one.
A vote was put off until the spring, when the engineers will have finished their study of the river bed.

Whales were once animals of the land. Their ancestors walked on four legs along the shores of a warm sea, and over millions of years they
became swimmers. The small bones that are hidden near the tail of a whale today are what is left of its hind legs.

To change a wheel, park on firm ground and put a stone behind the wheel that stays. Loosen the nuts before you lift the car, not after.
When the spare is on, tighten the nuts crosswise, let the car down, and tighten them once more.

I loved every minute of this film. The story is simple, but the two actors are so good together that you forget the time, and the last
scene made half of the audience cry. Go and see it while it is still shown on a large screen.

What a waste of an evening. The plot makes no sense, the jokes are older than the actors, and after an hour I was looking at my watch.
The music is the only good thing about it, and even that is too loud. I would not watch it again if you paid me.

The hotel was clean and the people at the desk were kind, but our room faced the main road and we hardly slept. Breakfast was fine. For
the price we would have expected a lift, since the stairs are steep and my mother is not young any more.

Once there was a miller who had a cat and no money. When the mill stopped turning he said to the cat: I cannot feed you, you had better
go and look for another house. The cat thought about it for a moment. Give me a sack, she said, and wait until the evening.

Light from the sun takes about eight minutes to reach us. Light from the nearest star takes more than four years, and light from the
galaxies at the edge of what we can see set out before the earth was there. Whoever looks far away looks far back.

How do vaccines work? They show the body something that looks like a germ but does no harm. The body learns to know it, and keeps the
memory. When the real germ comes, the defence is ready within hours instead of days.

The train to the coast was late again, so we sat on our bags and ate the sandwiches that were meant for the beach. Nobody minded. A boy
played the same three notes on a flute, and an old woman told us which of the bays had the warmest water.

Our team lost the first half and won the second. For twenty minutes nothing worked: passes went astray, the goalkeeper slipped, and the
crowd grew silent. Then the young striker came on, scored with his first touch, and everything changed.

Prices rose by a little more than expected last month, mostly because of food and rent. The central bank said that it would wait for
further figures before it decides. Shares fell in the morning and recovered in the afternoon.

A good knife is a sharp knife. People cut themselves on blunt ones, because they have to press. Draw the blade over the stone at the same
angle, as if you wanted to shave off a thin layer, ten times on each side, and finish on leather.

My grandfather kept bees behind the garden wall. He talked to them in the morning, and when somebody in the village died he went out to
tell them. I never asked him why. I think he believed that they would fly away if they were not told the truth.

The contract begins on the day on which both sides have signed it. Either side may end it with a notice of three months. What has been
delivered until then must be paid for, and documents that belong to the other side must be given back.

It is colder in the valley than on the hill this morning. Cold air is heavy and flows down the slopes like water; it collects in hollows
and stays there until the sun is high. Farmers know this, and plant their fruit trees halfway up.

Can you help me with my homework? Of course. What is it about? It is about rivers, and I do not understand why they bend. Think of what
happens on the outside of a curve: the water runs faster there and takes the bank away. And on the inside? There it drops the sand.

You should see a doctor if the pain does not go away within a week, if you have a fever, or if your arm feels weak. In most cases it is a
strained muscle, and rest will be enough. Do not lift anything heavy, and do not sit still for too long either.

The first thing she noticed about the house was the smell of oranges. The second was that somebody had been there not long ago: a cup
stood on the table, and the tea in it was still warm. She put her hand on the pistol in her coat and called his name.

Language changes because people do. Words are borrowed, worn down, and given new meanings; what was a mistake to the parents is the rule
to the children. No academy has ever stopped it, though many have tried, and the dictionaries follow at a distance.

King: What news from the north? Messenger: The bridges are burnt, my lord, and the river is high. King: Then they will not come before
the spring. Messenger: They have boats, my lord. King: Boats? Who sold them boats? Speak, man, and do not look at the floor.

Paint dries from the outside in. That is why a thick coat wrinkles: the skin is hard while the rest is wet, and when the rest shrinks it
pulls the skin together. Two thin coats take less time than a thick one, and they look better.

The museum is open every day except Monday. Tickets can be bought at the door or in advance, and children under six pay nothing. Please
leave large bags in the hall, and do not touch the paintings, however much they may ask you to.

The moon pulls at the sea, and the sea follows. Twice a day the water climbs the beach and twice it goes back, a little later each time,
because the moon has moved on while the earth turned. In a narrow bay the difference can be as high as a house.

I am writing to complain about the washing machine that I bought from you in May. It stops in the middle of a wash, and the door cannot be
opened until the next morning. Your engineer came twice and found nothing. Please send me a new one or give me my money back.

To find a word in a list that is in order, open it in the middle. If the word that you see comes after yours, look in the first half, else
in the second, and do the same again. A thousand words take ten steps, a million take twenty.

They had agreed to meet under the clock, but there were two clocks. She waited under the one by the gates, he under the one by the river,
and each of them thought that the other had forgotten. It took them eleven years to find out.

The patient slept well and had no fever in the morning. The wound is dry. She may get up today and walk as far as the window, and tomorrow
as far as the garden if the weather allows it.

Copper was the first metal that people worked with, and for a long time the only one. It is soft, and it does not keep an edge. Somebody
must have melted it together with a little tin by chance, and noticed that what came out was harder than both.

Nobody in the office knew how to make the printer stop. It had begun on Friday with page one of the annual report, and by Monday morning
there was paper in the corridor. Turn it off, said the director. We did, said Paul. It is not even plugged in.

Sailors say that the wind blows from somewhere, landsmen say that it blows to somewhere. A west wind comes out of the west. For currents it
is the other way round: a westerly current flows towards the west, and whoever mixes up the two does not arrive.

Every map is a lie that helps. A round world cannot be laid flat without being stretched or torn, so the maker chooses what to keep: true
angles for sailors, true areas for those who count fields, true distances for nobody at all, except from a single point.

He was not a bad man, only a lazy one. In the morning he meant to mend the fence, at noon he meant to mend it after lunch, and in the
evening he sat on the steps and explained to whoever passed by how a fence ought to be mended.

Plants drink with their roots and breathe with their leaves. On a hot day a large tree lifts hundreds of litres from the ground to its
crown without any pump: water that leaves the leaves pulls up the water behind it, in threads thinner than a hair.

The password must have at least 12 characters. Use a sentence that nobody else would say, keep it in a manager, and do not use it twice.
If you get a message that asks for it, delete the message: nobody at the bank will ever want to know it.

In 1969 a computer with 4 kilobytes of memory that could be written helped to land on the moon. Today a washing machine has more. What the
machine lacked was made up for by people who counted every byte, tested for years, and wrote down what could go wrong (about 400 things).

"Are you coming?" she asked. "In a minute," he said, without looking up from the page. "You said that an hour ago." - "Then it was true an
hour ago." She took the book from his hands, closed it, and put it on the highest shelf, where he would need a chair to reach it.

Order no. 48213: 2 x lamp "Nora", white, 39.90 each; 1 x cable, 5 m, 12.50; shipping 4.95; total 97.25. Expected between 3 and 5 March.
If something is missing, write to us within 14 days and we will send it again at no cost. Returns are free until 30 April.

Measure the wall twice and the shelf once. Mark where the screws will go, drill with a bit that is a little thinner than the screw, and
blow out the dust. If the wall is hollow, a plug that opens behind it will hold; if it is brick, a plain one will do.

The old road follows the ridge, the new one follows the money. Lorries thunder through the valley day and night, while up here you meet a
shepherd, two cyclists and a great many butterflies. It takes an hour longer to reach the town. Nobody who has done it once complains.

I do not agree with the minister. It is true that the hospitals need money, but it is not true that there is none. What is missing is the
courage to close what nobody needs any more, and to say so before the election and not after it.

What does the word fair mean? To the first child it means that all get the same, to the second that each gets what it needs, and to the
third that nobody took more than he had earned. They are all right, which is why the quarrel about the cake never ends.

Researchers have found that birds which live in cities sing at a higher pitch than those of the same species in the forest. Traffic
covers the low notes, so only the high ones are heard. Young birds copy what they hear, and within a few years the song of a whole town
has moved upwards.
`;

const others = `
Der Zug hielt mitten auf der Strecke, und niemand wusste, warum. Nach einer halben Stunde ging der Schaffner durch die Wagen und bat um
Geduld. Eine Frau verteilte Kirschen, und am Ende waren alle fast enttäuscht, als es weiterging.

Le marché ouvre à sept heures, mais les meilleurs légumes sont déjà partis à huit. Ma voisine y va tous les samedis avec son vieux panier ;
elle connaît chaque marchand par son prénom et ne paie jamais le prix qui est écrit.

La casa de mi abuela estaba al final de la calle, junto al río. En verano dejábamos las ventanas abiertas toda la noche y oíamos las ranas.
Ahora vive allí otra familia, y el árbol del patio ya no da higos.

Il caffè si beve in piedi, in tre sorsi, e costa poco. Chi si siede paga il doppio e aspetta più a lungo. Lo sanno tutti, e tutti fingono di
non saperlo quando arriva un amico da lontano.

A chuva chegou tarde este ano, mas chegou. As crianças correram para a rua, os velhos ficaram à janela, e o cão escondeu-se debaixo da mesa
até que passou o último trovão.

Wie vroeg opstaat, ziet de mist boven het water hangen. De schipper zet koffie, maakt de touwen los en wacht tot de brug opengaat. Haast
heeft hij niet; het kanaal is al vierhonderd jaar even lang.

Zimą dni są krótkie i śnieg leży na dachach. Dzieci wracają ze szkoły, kiedy jest już ciemno, a w kuchni pachnie zupą i chlebem.

Sabah erkenden pazara gittik, domates ve peynir aldık. Dönüşte yağmur başladı, ama kimse acele etmedi.

Утром мы пошли к реке. Вода была холодная и прозрачная, на дне лежали белые камни. Старик, который ловил рыбу, сказал, что завтра
будет дождь, и он оказался прав.

今天早上下了一点雨，路上的人不多。我在车站旁边的小店里买了一杯热豆浆，一边等车一边看报纸。

駅から家まで歩いて十分ほどです。春になると、川沿いの桜がとてもきれいで、遠くから人が見に来ます。

في الصباح فتح البائع دكانه ورتب الفواكه أمام الباب، ثم جلس يشرب الشاي وينتظر أول زبون.

सुबह की ठंडी हवा में बच्चे स्कूल जा रहे थे और दुकानदार अपनी दुकानें खोल रहे थे।
`;

const code = [
  `def mean(values):
    """Arithmetic mean; None for an empty list."""
    if not values:
        return None
    total = 0.0
    for value in values:
        total += value
    return total / len(values)`,
  `export function debounce(call, ms) {
  let timer = null;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...args), ms);
  };
}`,
  `SELECT c.name, COUNT(o.id) AS orders, SUM(o.total) AS spent
FROM customers c LEFT JOIN orders o ON o.customer_id = c.id
WHERE c.country = 'DE' AND o.created_at >= '2023-01-01'
GROUP BY c.name HAVING SUM(o.total) > 1000 ORDER BY spent DESC;`,
  `<ul class="list">
  <li><a href="/about">About us</a></li>
  <li><a href="/contact">Contact</a></li>
</ul>`,
  `{"name": "sensor-7", "unit": "celsius", "values": [21.5, 21.7, 22.0, 21.9], "ok": true}`,
  `# How to install
1. Download the archive and unpack it.
2. Run \`make\` in the folder, then \`make install\`.
3. Check with \`tool --version\` that it works.`,
];

const paragraphs = (text: string) =>
  text
    .trim()
    .split(/\n\n+/)
    .map((paragraph) => paragraph.replaceAll('\n', ' '));

/** Some English between two others, so that any stretch of them is mixed. */
function mixed(): string[] {
  const rest = [...paragraphs(others), ...code];
  const most = paragraphs(english);
  return most.flatMap((text, i) => {
    const from = Math.floor((i * rest.length) / most.length);
    const to = Math.floor(((i + 1) * rest.length) / most.length);
    return [text, ...rest.slice(from, to)];
  });
}

/** A paragraph each. */
export const shippedTexts: readonly string[] = mixed();
