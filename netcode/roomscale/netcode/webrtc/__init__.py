"""The lean endpoint: WebRTC data channels on one UDP port, each layer sans-IO."""
