//! A TCP port that nobody is given by chance while nothing of ours listens on it.

use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

/// Binds without listening: the port is given to nobody by chance, and clients are refused.
///
/// # Errors
/// When the address cannot be had, for example because somebody listens there.
pub fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Takes a port (0: a free one) for as long as what is returned lives; the address says which it is. On Linux a socket
/// that is bound and does not listen keeps a port while others with `SO_REUSEADDR` come and go there (`ip(7)`); elsewhere
/// it would be in their way, and nothing is kept.
///
/// # Errors
/// As [`bind`].
pub fn reserve(address: SocketAddr) -> io::Result<(SocketAddr, Option<TcpSocket>)> {
    let socket = bind(address)?;
    let address = socket.local_addr()?;
    Ok((address, Some(socket).filter(|_| cfg!(target_os = "linux"))))
}

/// Listens on a port (0: a free one) that is reserved as [`reserve`] does it, with up to `backlog` connections that are not
/// yet accepted.
///
/// # Errors
/// As [`bind`].
pub fn listen(address: SocketAddr, backlog: u32) -> io::Result<(TcpListener, Option<TcpSocket>)> {
    let socket = bind(address)?;
    if !cfg!(target_os = "linux") {
        return Ok((socket.listen(backlog)?, None));
    }
    Ok((bind(socket.local_addr()?)?.listen(backlog)?, Some(socket)))
}
