import { type Element, NS, parseElement } from '../../src/xep/index.ts'

/** The entry most of XEP-0060's examples publish. */
export const ENTRY = `<entry xmlns='http://www.w3.org/2005/Atom'>
  <title>Soliloquy</title>
  <summary>
To be, or not to be: that is the question:
Whether 'tis nobler in the mind to suffer
The slings and arrows of outrageous fortune,
Or to take arms against a sea of troubles,
And by opposing end them?
  </summary>
  <link rel='alternate' type='text/html' href='http://denmark.lit/2003/12/13/atom03'/>
  <id>tag:denmark.lit,2003:entry-32397</id>
  <published>2003-12-13T18:30:02Z</published>
  <updated>2003-12-13T18:30:02Z</updated>
</entry>`

/** What a `<pubsub/>` element holds in an example. */
export const pubsub = (inside: string): string => `<pubsub xmlns='${NS.pubsub}'>${inside}</pubsub>`
export const owner = (inside: string): string => `<pubsub xmlns='${NS.pubsubOwner}'>${inside}</pubsub>`

/** A form of an example: its FORM_TYPE, then fields as they stand there. */
export const formText = (type: string, name: string, fields: string): string =>
  `<x xmlns='${NS.dataForms}' type='${type}'><field var='FORM_TYPE' type='hidden'><value>${NS.pubsub}#${name}</value></field>${fields}</x>`

/** An element as it stands inside a stanza of a stream, as the parser delivers it. */
export const inside = (text: string): Element => parseElement(`<iq xmlns='jabber:client'>${text}</iq>`).getChildElements()[0] as Element
