// NOT RUN HERE: see README.md. A button, a picture of the gallery, its class.
package app.symbols

import android.graphics.ImageDecoder
import android.os.Bundle
import android.widget.Button
import android.widget.LinearLayout
import android.widget.TextView
import androidx.activity.ComponentActivity
import androidx.activity.result.PickVisualMediaRequest
import androidx.activity.result.contract.ActivityResultContracts.PickVisualMedia
import androidx.lifecycle.lifecycleScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

class MainActivity : ComponentActivity() {
    private val classifier by lazy { Classifier(this) }
    private lateinit var answer: TextView

    private val pick = registerForActivityResult(PickVisualMedia()) { uri ->
        if (uri == null) return@registerForActivityResult
        lifecycleScope.launch {
            val found = withContext(Dispatchers.Default) {
                val source = ImageDecoder.createSource(contentResolver, uri)
                // getPixels needs a bitmap in memory, not on the GPU.
                val bitmap = ImageDecoder.decodeBitmap(source) { decoder, _, _ ->
                    decoder.allocator = ImageDecoder.ALLOCATOR_SOFTWARE
                }
                classifier.classify(bitmap)
            }
            answer.text = "${found.label}, ${Math.round(100 * found.share)} %"
        }
    }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        answer = TextView(this)
        val button = Button(this).apply {
            text = "Choose a picture"
            setOnClickListener { pick.launch(PickVisualMediaRequest(PickVisualMedia.ImageOnly)) }
        }
        val column = LinearLayout(this).apply {
            orientation = LinearLayout.VERTICAL
            fitsSystemWindows = true
            addView(button)
            addView(answer)
        }
        setContentView(column)
    }

    override fun onDestroy() {
        classifier.close()
        super.onDestroy()
    }
}
