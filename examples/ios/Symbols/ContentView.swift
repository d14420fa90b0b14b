// NOT RUN HERE: see README.md. A button, a picture of the library, its class.
import PhotosUI
import SwiftUI

struct ContentView: View {
    @State private var item: PhotosPickerItem?
    @State private var answer = ""
    private let classifier = Result { try Classifier() }

    var body: some View {
        VStack(spacing: 24) {
            PhotosPicker("Choose a picture", selection: $item, matching: .images)
            Text(answer)
        }
        .onChange(of: item) { chosen in
            Task { answer = await classify(chosen) }
        }
    }

    private func classify(_ item: PhotosPickerItem?) async -> String {
        guard let bytes = try? await item?.loadTransferable(type: Data.self),
              let picture = UIImage(data: bytes)?.cgImage
        else { return "" }
        do {
            let found = try classifier.get().classify(picture)
            return "\(found.label), \(Int((100 * found.share).rounded())) %"
        } catch {
            return "\(error)"
        }
    }
}

@main
struct SymbolsApp: App {
    var body: some Scene { WindowGroup { ContentView() } }
}
