//! Strict HTTP/1.1 framing before hyper reads it (RFC 9112 §2.2, §3.2, §5.2, §6.3): what two parsers could read in two ways is refused,
//! so that nothing is smuggled past a proxy. hyper takes a bare LF as line end and `Transfer-Encoding` beside `Content-Length`;
//! here both, obsolete folding, a repeated length, any coding but `chunked`, and a missing, repeated or malformed `Host` end in 400
//! and a closed connection.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Octets of a line that are kept to be judged; longer framing fields are refused, other long lines left to hyper's limits.
const KEPT: usize = 256;
/// What hyper reads in place of a refused message: a NUL, which it answers with 400 and closes.
const REFUSED: &[u8] = b"\0\r\n\r\n";

/// A connection whose incoming HTTP/1.1 messages are framed in one way only.
pub struct StrictFraming<T> {
    inner: T,
    framing: Framing,
    /// What is left of [`REFUSED`] to be read, once refused.
    refused: Option<&'static [u8]>,
}

impl<T> StrictFraming<T> {
    pub fn new(inner: T) -> Self {
        Self { inner, framing: Framing::default(), refused: None }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for StrictFraming<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(rest) = self.refused {
            let (now, later) = rest.split_at(rest.len().min(buffer.remaining()));
            buffer.put_slice(now);
            self.refused = Some(later);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        match Pin::new(&mut self.inner).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {}
            other => return other,
        }
        let Some(sound) = self.framing.follow(&buffer.filled()[before..]) else { return Poll::Ready(Ok(())) };
        buffer.set_filled(before + sound);
        let (now, later) = REFUSED.split_at(REFUSED.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.refused = Some(later);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for StrictFraming<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// Where in the stream of messages the next octet stands.
#[derive(Default)]
struct Framing {
    part: Part,
    /// The line that is being read, without its end, up to [`KEPT`] octets.
    line: Vec<u8>,
    line_is_longer: bool,
    after_cr: bool,
    in_head: Head,
}

#[derive(Clone, Copy, Default)]
enum Part {
    /// Request line or header fields.
    #[default]
    Head,
    /// Octets left of a body with a length.
    Body(u64),
    ChunkSize,
    /// Octets left of a chunk, its CRLF included.
    Chunk(u64),
    Trailer,
}

/// What the head says so far.
#[derive(Default)]
struct Head {
    has_request_line: bool,
    /// Of HTTP/1.0, which did not know `Host`.
    may_lack_host: bool,
    has_host: bool,
    length: Option<u64>,
    chunked: bool,
}

/// The message can be read in more than one way, or does not say for whom it is.
struct Ambiguous;

impl Framing {
    /// Follows the stream. `Some(n)`: after `n` octets comes one that must not be read.
    fn follow(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            match &mut self.part {
                Part::Body(left) | Part::Chunk(left) if *left > 0 => {
                    let step = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len() - at);
                    *left -= step as u64;
                    at += step;
                    continue;
                }
                Part::Body(_) => self.part = Part::Head,
                Part::Chunk(_) => self.part = Part::ChunkSize,
                Part::Head | Part::ChunkSize | Part::Trailer => {}
            }
            if !self.after_cr {
                let rest = &bytes[at..];
                let line_end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
                self.keep(&rest[..line_end]);
                at += line_end;
                if at == bytes.len() {
                    break;
                }
            }
            match (bytes[at], self.after_cr) {
                (b'\n', true) => {
                    self.after_cr = false;
                    let ended = self.end_line();
                    self.line.clear();
                    self.line_is_longer = false;
                    if ended.is_err() {
                        return Some(at);
                    }
                }
                (b'\r', false) => self.after_cr = true,
                _ => return Some(at),
            }
            at += 1;
        }
        None
    }

    /// More octets of the line that is being read.
    fn keep(&mut self, octets: &[u8]) {
        let kept = octets.len().min(KEPT - self.line.len());
        self.line.extend_from_slice(&octets[..kept]);
        self.line_is_longer |= kept < octets.len();
    }

    fn end_line(&mut self) -> Result<(), Ambiguous> {
        match self.part {
            Part::Head if self.line.is_empty() => {
                let head = std::mem::take(&mut self.in_head);
                if head.has_request_line && !head.has_host && !head.may_lack_host {
                    return Err(Ambiguous);
                }
                self.part = match head {
                    Head { chunked: true, length: None, .. } => Part::ChunkSize,
                    Head { chunked: true, .. } => return Err(Ambiguous),
                    Head { length, .. } => Part::Body(length.unwrap_or(0)),
                };
            }
            Part::Head if !self.in_head.has_request_line => {
                self.in_head.has_request_line = true;
                self.in_head.may_lack_host = !self.line_is_longer && self.line.ends_with(b" HTTP/1.0");
            }
            Part::Head => self.header_field()?,
            Part::ChunkSize => {
                let size = chunk_size(&self.line).ok_or(Ambiguous)?;
                // The CRLF after the chunk's octets is theirs.
                self.part = if size == 0 { Part::Trailer } else { Part::Chunk(size + 2) };
            }
            Part::Trailer if self.line.is_empty() => self.part = Part::Head,
            Part::Trailer if self.line[0].is_ascii_whitespace() => return Err(Ambiguous),
            Part::Trailer => {}
            Part::Body(_) | Part::Chunk(_) => {}
        }
        Ok(())
    }

    fn header_field(&mut self) -> Result<(), Ambiguous> {
        if self.line[0].is_ascii_whitespace() {
            return Err(Ambiguous);
        }
        let colon = self.line.iter().position(|byte| *byte == b':');
        let Some(colon) = colon else { return Ok(()) }; // hyper refuses it, or it is too long for any name
        let (name, value) = (&self.line[..colon], self.line[colon + 1..].trim_ascii());
        let named = |wanted: &str| name.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes());
        let head = &mut self.in_head;
        if named("host") {
            if head.has_host || self.line_is_longer || !value.iter().all(|byte| may_stand_in_host(*byte)) {
                return Err(Ambiguous);
            }
            head.has_host = true;
        } else if named("content-length") {
            if head.length.is_some() || head.chunked || self.line_is_longer {
                return Err(Ambiguous);
            }
            let digits = value.len() <= 19 && !value.is_empty() && value.iter().all(u8::is_ascii_digit);
            let text = std::str::from_utf8(value).map_err(|_| Ambiguous)?;
            head.length = Some(if digits { text.parse().map_err(|_| Ambiguous)? } else { return Err(Ambiguous) });
        } else if named("transfer-encoding") {
            let plain = value.eq_ignore_ascii_case(b"chunked");
            if head.length.is_some() || head.chunked || self.line_is_longer || !plain {
                return Err(Ambiguous);
            }
            head.chunked = true;
        }
        Ok(())
    }
}

/// Of `uri-host [ ":" port ]` (RFC 3986 §3.2.2): names, IPv4 addresses, IPv6 addresses in brackets.
const fn may_stand_in_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b'%' | b':' | b'[' | b']')
}

/// `1*HEXDIG [ chunk-ext ]` (RFC 9112 §7.1).
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let rest = &line[digits..];
    if digits == 0 || digits > 15 || !(rest.is_empty() || matches!(rest[0], b';' | b' ' | b'\t')) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(&line[..digits]).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same answer however the stream is cut.
    fn follow(stream: &str) -> Option<usize> {
        let whole = Framing::default().follow(stream.as_bytes());
        let mut framing = Framing::default();
        let each = stream.bytes().enumerate().find_map(|(index, byte)| framing.follow(&[byte]).map(|at| at + index));
        assert_eq!(whole, each, "{stream:?}");
        whole
    }

    #[test]
    fn plain_messages_pass() {
        for stream in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\na\nb\n\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\n\n\n\n\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
            "GET / HTTP/1.1\r\nhOST:[::1]:8080\r\n\r\n",
            "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        ] {
            assert_eq!(follow(stream), None, "{stream:?}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for stream in [
            "GET / HTTP/1.1\n",
            "GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\rB: c\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: me@a\r\n\r\n",
        ] {
            assert!(follow(stream).is_some(), "{stream:?}");
        }
    }
}
