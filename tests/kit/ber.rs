//! The BER twin of a DER message: the same values, the envelope written another way.

use antin::core::der::{Reader, tag, writer};

/// Ways of BER in which the envelope is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Constructed elements have indefinite lengths.
    pub indefinite: bool,
    /// Definite lengths have superfluous octets.
    pub long_lengths: bool,
    /// INTEGERs have a superfluous leading octet.
    pub padded_integers: bool,
    /// OCTET STRINGs stand in pieces of this many octets.
    pub pieces: Option<usize>,
    /// The pieces stand in pieces again.
    pub nested_pieces: bool,
}

enum Node {
    Primitive(u8, Vec<u8>),
    Constructed(u8, Vec<Node>),
    /// Something signed: copied.
    Verbatim(Vec<u8>),
}

/// The message in a style of BER; certificates, CRLs and signed attributes stay as they are.
pub fn twin(message: &[u8], style: Style) -> Vec<u8> {
    let mut content_info = members(message);
    let signed_data = std::mem::take(only(&mut content_info[1]));
    let Some(Node::Constructed(_, mut fields)) = signed_data.into_iter().next() else { panic!("SignedData is there") };
    let last = fields.len() - 1;
    for (index, field) in fields.iter_mut().enumerate() {
        let Node::Constructed(identifier, list) = field else { continue };
        if matches!(*identifier, 0xA0 | 0xA1) {
            list.iter_mut().for_each(keep);
        } else if index == last {
            for signer in list {
                only(signer).iter_mut().filter(|field| matches!(field, Node::Constructed(0xA0, _))).for_each(keep);
            }
        }
    }
    *only(&mut content_info[1]) = vec![Node::Constructed(tag::SEQUENCE, fields)];
    write(&Node::Constructed(tag::SEQUENCE, content_info), style)
}

fn members(message: &[u8]) -> Vec<Node> {
    match parse(message).remove(0) {
        Node::Constructed(_, members) => members,
        _ => panic!("a message is constructed"),
    }
}

fn only(node: &mut Node) -> &mut Vec<Node> {
    match node {
        Node::Constructed(_, inside) => inside,
        _ => panic!("the element is constructed"),
    }
}

fn keep(node: &mut Node) {
    *node = Node::Verbatim(write(node, Style::default()));
}

fn parse(bytes: &[u8]) -> Vec<Node> {
    let mut reader = Reader::new(bytes);
    let mut nodes = Vec::new();
    while !reader.is_empty() {
        let element = reader.read().expect("DER");
        nodes.push(if element.tag & 0x20 == 0 {
            Node::Primitive(element.tag, element.value.to_vec())
        } else {
            Node::Constructed(element.tag, parse(element.value))
        });
    }
    nodes
}

fn write(node: &Node, style: Style) -> Vec<u8> {
    match node {
        Node::Verbatim(bytes) => bytes.clone(),
        Node::Constructed(identifier, inside) => {
            let inside: Vec<u8> = inside.iter().flat_map(|node| write(node, style)).collect();
            constructed(*identifier, &inside, style)
        }
        Node::Primitive(tag::INTEGER, value) if style.padded_integers => {
            let padding = if value[0] & 0x80 == 0 { 0x00 } else { 0xFF };
            definite(tag::INTEGER, &[&[padding], value.as_slice()].concat(), style)
        }
        Node::Primitive(tag::OCTET_STRING, value) => match style.pieces {
            Some(length) => in_pieces(value, length, style),
            None => definite(tag::OCTET_STRING, value, style),
        },
        Node::Primitive(identifier, value) => definite(*identifier, value, style),
    }
}

fn in_pieces(value: &[u8], length: usize, style: Style) -> Vec<u8> {
    let pieces: Vec<u8> = value
        .chunks(length)
        .flat_map(|piece| {
            if style.nested_pieces {
                let halves: Vec<u8> = piece
                    .chunks(piece.len().div_ceil(2))
                    .flat_map(|half| definite(tag::OCTET_STRING, half, style))
                    .collect();
                constructed(0x24, &halves, style)
            } else {
                definite(tag::OCTET_STRING, piece, style)
            }
        })
        .collect();
    constructed(0x24, &pieces, style)
}

fn constructed(identifier: u8, inside: &[u8], style: Style) -> Vec<u8> {
    if style.indefinite { indefinite(identifier, inside) } else { definite(identifier, inside, style) }
}

fn definite(identifier: u8, value: &[u8], style: Style) -> Vec<u8> {
    if style.long_lengths { long_length(identifier, value) } else { writer::element(identifier, value) }
}

/// An element of indefinite length.
pub fn indefinite(identifier: u8, inside: &[u8]) -> Vec<u8> {
    [&[identifier, 0x80], inside, &[0, 0]].concat()
}

/// An element whose length has five octets where fewer do.
pub fn long_length(identifier: u8, value: &[u8]) -> Vec<u8> {
    let length = (value.len() as u32).to_be_bytes();
    [&[identifier, 0x84], length.as_slice(), value].concat()
}
