"""The published APIs we speak: thin translations over the gateway; none imports another."""
